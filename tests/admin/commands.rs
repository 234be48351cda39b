//! The commands at a listener with TLS and a token: with what the configuration says, and with what they are told.

use std::net::SocketAddr;

use super::gateway::{Gateway, until};
use super::stage::{OTHER_TOKEN, TOKEN};
use super::support::World;

/// A running gateway whose file has a fixed port, so that commands find it there.
pub struct Ground {
    pub world: World,
    pub gateway: Gateway,
    pub admin: SocketAddr,
}

const NAME: &str = "a.example.com";

impl Ground {
    pub fn start(admin: &str) -> Ground {
        Ground::within(admin, &[])
    }

    pub fn within(admin: &str, environment: &[(&str, &str)]) -> Ground {
        let world = World::new();
        world.write("token", &format!("{TOKEN}\n"));
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        world.write("p.yaml", &file(address, admin));
        let gateway = Gateway::with(&world, environment);
        gateway.wait_for("metrics and health on https://", 1);
        Ground {
            world,
            gateway,
            admin: address,
        }
    }

    fn run(&self, arguments: &str) -> (Option<i32>, String) {
        self.run_in(arguments, &[])
    }

    fn run_in(&self, arguments: &str, environment: &[(&str, &str)]) -> (Option<i32>, String) {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut command = self.world.command(&arguments);
        command.env_remove("PORTCULLIS_ADMIN_TOKEN_FILE");
        let ran = command.envs(environment.iter().copied()).output().unwrap();
        let told = [ran.stdout, ran.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        assert!(!told.contains(TOKEN), "{told}");
        (ran.status.code(), told)
    }
}

pub fn file(listen: SocketAddr, admin: &str) -> String {
    format!(
        "admin: {{ listen: '{listen}', names: [{NAME}], tls: {{ cert: tls/a.pem, key: tls/a.key }}, {admin} }}\n\
         listeners: [{{ listen: 127.0.0.1:0 }}]\nhosts: {{ b.example.com: {{ files: www }} }}\n\
         upgrade: {{ socket: upgrade.sock }}\n"
    )
}

#[test]
fn commands_find_address_certificate_and_token_in_the_configuration() {
    let ground = Ground::start("token: { file: token }");
    let good = |arguments: &str, expected: &str| {
        let (code, told) = ground.run(arguments);
        assert_eq!(code, Some(0), "{arguments}: {told}");
        assert!(told.contains(expected), "{arguments}: {told}");
    };
    good("bans add 192.0.2.7 -c p.yaml", "192.0.2.7 is banned for 1h");
    good("bans list -c p.yaml", "an operator");
    good("limits show 192.0.2.7 -c p.yaml", "192.0.2.7");
    good("users -c p.yaml", "nobody is connected");
    good("bans lift 192.0.2.7 -c p.yaml", "lifted");
    good("health -c p.yaml", "ready");
}

#[test]
fn health_wants_no_token_and_minds_no_mistake_elsewhere_in_the_file() {
    let ground = Ground::start("token: { file: token }");
    let broken = file(ground.admin, "token: { file: gone }") + "log: { level: loud }\n";
    ground.world.write("q.yaml", &broken);
    let (code, told) = ground.run("health -c q.yaml");
    assert_eq!(code, Some(0), "{told}");
    let unreadable = [("PORTCULLIS_ADMIN_TOKEN_FILE", "gone")];
    let (code, told) = ground.run_in("health -c p.yaml", &unreadable);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn a_gateway_elsewhere_is_asked_by_its_name_with_a_token_and_an_authority() {
    let ground = Ground::start("token: { file: token }");
    let port = ground.admin.port();
    let address = format!("--admin https://127.0.0.1:{port}");
    let ca = "--ca tls/authority.pem";
    ground.world.write("other", OTHER_TOKEN);
    let refused = |arguments: &str, expected: &str| {
        let (code, told) = ground.run(arguments);
        assert_eq!(code, Some(1), "{arguments}: {told}");
        assert!(told.contains(expected), "{arguments}: {told}");
    };
    // The certificate is for another name.
    refused(
        &format!("bans list {address} {ca} --token-file token"),
        "does not verify",
    );
    // Nobody on this system vouches for it.
    refused(
        &format!("health {address}"),
        "`--ca FILE` names who vouches for it",
    );
    refused(
        &format!("health {address} --ca tls/b.pem"),
        "does not verify",
    );
    // Its own certificate will do, and so will the authority, for the name that is in it.
    let identity = ground.world.authority.issue(&["127.0.0.1", NAME]).unwrap();
    ground.world.write("tls/a.pem", &identity.certificate_pem);
    ground.world.write("tls/a.key", &identity.key_pem);
    refused("bans list -c p.yaml", "has the gateway been reloaded");
    ground.gateway.signal(rustix::process::Signal::HUP);
    ground.gateway.wait_for("the configuration was applied", 1);
    for ca in ["tls/a.pem", "tls/authority.pem"] {
        let good = format!("bans list {address} --ca {ca} --token-file token");
        let (code, told) = ground.run(&good);
        assert_eq!((code, told.as_str()), (Some(0), "no address is banned\n"));
    }
    let by_variable = [("PORTCULLIS_ADMIN_TOKEN_FILE", "token")];
    let (code, told) = ground.run_in(&format!("users {address} {ca}"), &by_variable);
    assert_eq!(code, Some(0), "{told}");
    // The token of the file here is not for a listener that is named by hand.
    refused(
        &format!("bans list {address} {ca} -c p.yaml"),
        "`--token-file FILE` names the token",
    );
    refused(
        &format!("bans list {address} {ca} --token-file other"),
        "this is not the token",
    );
    refused(
        &format!("bans list {address} {ca} --token-file gone"),
        "cannot read gone",
    );
    refused(
        "bans list --admin http://192.0.2.1:9145 --token-file token",
        "readable on the way",
    );
}

#[test]
fn a_certificate_of_ones_own_opens_the_door_to_commands_too() {
    let ground = Ground::start("client_ca: tls/authority.pem");
    let (code, told) = ground.run("bans list -c p.yaml");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("`admin.client_ca`"), "{told}");
    let identity = ground.world.authority.issue(&["olivia"]).unwrap();
    let both = [identity.certificate_pem, identity.key_pem].concat();
    ground.world.write("olivia.pem", &both);
    let (code, told) = ground.run("bans list -c p.yaml --client-cert olivia.pem");
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn what_is_new_on_the_disk_counts_from_the_next_command_on() {
    let ground = Ground::start("token: { file: token }");
    ground.world.write("token", OTHER_TOKEN);
    let (code, told) = ground.run("bans list -c p.yaml");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("this is not the token"), "{told}");
    ground.gateway.signal(rustix::process::Signal::HUP);
    until("the new token holds", || {
        (ground.run("bans list -c p.yaml").0 == Some(0)).then_some(())
    })
    .unwrap();
}
