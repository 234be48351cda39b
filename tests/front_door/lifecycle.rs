use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis::front_door::ListenerSettings;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::*;

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
const GATE: &[u8] = b"GET /gate HTTP/1.1\r\nHost: a.example\r\n\r\n";

fn redirecting(port: u16) -> ListenerSettings {
    let mut settings = plain();
    settings.redirect_port = Some(port);
    settings
}

async fn redirect_seen(client: &mut TcpStream) -> String {
    client.write_all(GET).await.unwrap();
    field(&answer(client).await.0, "x-redirect")
}

#[tokio::test]
async fn new_settings_are_for_new_connections_and_the_socket_stays() {
    let house = House::open(vec![redirecting(1)]).await;
    let before = house.door.bound();
    let mut living = house.connect().await;
    assert_eq!(redirect_seen(&mut living).await, "Some(1)");
    house.door.apply(vec![redirecting(2)]).await.unwrap();
    assert_eq!(house.door.bound(), before);
    assert_eq!(redirect_seen(&mut house.connect().await).await, "Some(2)");
    assert_eq!(
        redirect_seen(&mut living).await,
        "Some(1)",
        "a living connection keeps its own"
    );
}

#[tokio::test]
async fn listeners_come_and_go_while_connections_live() {
    let house = House::open(vec![redirecting(1)]).await;
    let first = house.address();
    house
        .door
        .apply(vec![redirecting(1), redirecting(2)])
        .await
        .unwrap();
    let bound = house.door.bound();
    assert_eq!(
        bound[0].1, first,
        "a listener on port 0 is known by its position"
    );
    let second = bound[1].1;
    let mut living = TcpStream::connect(second).await.unwrap();
    assert_eq!(redirect_seen(&mut living).await, "Some(2)");

    house.door.apply(vec![redirecting(3)]).await.unwrap();
    assert_eq!(house.door.bound(), [(plain().listen, first)]);
    let refused = TcpStream::connect(second).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(
        redirect_seen(&mut living).await,
        "Some(2)",
        "it outlives its listener"
    );
    assert_eq!(redirect_seen(&mut house.connect().await).await, "Some(3)");
}

#[tokio::test]
async fn an_address_that_was_given_up_can_be_taken_again_at_once() {
    let house = House::open(vec![plain()]).await;
    let mut fixed = redirecting(7);
    fixed.listen = house.address();
    let living = house.connect().await;
    house.door.apply(vec![]).await.unwrap();
    assert!(house.door.bound().is_empty());
    house.door.apply(vec![fixed.clone()]).await.unwrap();
    assert_eq!(house.door.bound(), [(fixed.listen, fixed.listen)]);
    assert_eq!(redirect_seen(&mut house.connect().await).await, "Some(7)");
    drop(living);
}

#[tokio::test]
async fn if_one_address_cannot_be_bound_nothing_changes() {
    let house = House::open(vec![redirecting(1)]).await;
    let before = house.door.bound();
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut taken = plain();
    taken.listen = occupied.local_addr().unwrap();
    let mut foreign = plain();
    foreign.listen = "192.0.2.1:0".parse().unwrap();
    let wanted = vec![redirecting(2), plain(), taken.clone(), foreign.clone()];
    let errors = house.door.apply(wanted).await.unwrap_err();
    let named: Vec<_> = errors.iter().map(|e| (e.listen, e.error.kind())).collect();
    assert_eq!(
        named,
        [
            (taken.listen, ErrorKind::AddrInUse),
            (foreign.listen, ErrorKind::AddrNotAvailable)
        ],
        "every one is named"
    );
    assert_eq!(house.door.bound(), before);
    assert_eq!(redirect_seen(&mut house.connect().await).await, "Some(1)");
}

#[tokio::test]
async fn an_address_listed_twice_is_an_error() {
    let house = House::open(vec![plain()]).await;
    let mut fixed = plain();
    fixed.listen = house.address();
    house.door.apply(vec![]).await.unwrap();
    let errors = house
        .door
        .apply(vec![fixed.clone(), fixed.clone()])
        .await
        .unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].error.kind(), ErrorKind::AddrInUse);
    assert!(house.door.bound().is_empty());
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way_and_drops_what_is_idle() {
    let house = House::open(vec![plain()]).await;
    let address = house.address();
    let mut idle = house.connect().await;
    idle.write_all(GET).await.unwrap();
    answer(&mut idle).await;
    let mut busy = house.connect().await;
    busy.write_all(GATE).await.unwrap();
    until(|| house.app.entered.load(Ordering::SeqCst) == 2).await;
    assert_eq!(house.door.open_connections(), 2);
    let client = async {
        assert_eq!(rest(&mut idle).await, "", "closed at once");
        let refused = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        house.app.gate.add_permits(1);
        let (head, _) = answer(&mut busy).await;
        assert_eq!(status(&head), "200");
        assert_eq!(rest(&mut busy).await, "");
    };
    let (cut, ()) = tokio::join!(house.door.close(PATIENCE), client);
    assert_eq!(cut, 0);
    house.emptied().await;
}

#[tokio::test]
async fn a_request_that_arrives_while_closing_is_told_to_close() {
    let house = House::open(vec![plain()]).await;
    let mut idle = house.connect().await;
    idle.write_all(GET).await.unwrap();
    answer(&mut idle).await;
    let mut client = house.connect().await;
    client.write_all(&[GATE, GET].concat()).await.unwrap();
    until(|| house.app.entered.load(Ordering::SeqCst) == 2).await;
    let asking = async {
        assert_eq!(rest(&mut idle).await, "", "closing has begun");
        house.app.gate.add_permits(1);
        let (head, _) = answer(&mut client).await;
        assert_eq!(status(&head), "200");
        assert_eq!(
            field(&head, "x-closing"),
            "true",
            "although it began before"
        );
        rest(&mut client).await
    };
    let (cut, after) = tokio::join!(house.door.close(PATIENCE), asking);
    assert_eq!(cut, 0);
    assert_eq!(status(&after), "200", "it had arrived already: {after}");
    assert_eq!(field(&after, "connection"), "close");
}

#[tokio::test]
async fn what_does_not_finish_by_the_deadline_is_cut() {
    let house = House::open(vec![plain()]).await;
    let mut stuck = house.connect().await;
    stuck.write_all(GATE).await.unwrap();
    until(|| house.app.entered.load(Ordering::SeqCst) == 1).await;
    let cut = house.door.close(Duration::from_millis(100)).await;
    assert_eq!(cut, 1);
    assert_eq!(rest(&mut stuck).await, "");
    house.emptied().await;
}

#[tokio::test]
async fn a_front_door_that_is_dropped_stops_accepting() {
    let House { door, keeper, .. } = House::open(vec![plain()]).await;
    let address = door.bound()[0].1;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(GET).await.unwrap();
    let (head, _) = answer(&mut client).await;
    assert_eq!(field(&head, "x-closing"), "false");
    drop(door);
    until(|| std::net::TcpStream::connect(address).is_err()).await;
    assert_eq!(keeper.refused.lock().unwrap().len(), 0);
    client.write_all(GET).await.unwrap();
    assert_eq!(
        status(&answer(&mut client).await.0),
        "200",
        "what lives goes on"
    );
}
