//! The servers behind: one answer tells who gave it, over which connection, and what the gateway said.

use std::sync::Arc;

use loadtest::wire::{Exchange, Reply, Server, ServerOptions, ServerTls, Service};

pub async fn server(name: &'static str, tls: Option<ServerTls>) -> Server {
    let options = ServerOptions {
        tls,
        ..ServerOptions::default()
    };
    Server::start(options, Web(name)).await.unwrap()
}

struct Web(&'static str);

impl Service for Web {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        let request = Arc::clone(exchange.request());
        exchange.body().await?;
        let connected = exchange.connected();
        let told = |name: &str| request.first(name).unwrap_or_default();
        let text = format!(
            "server: {}\nconnection: {}\ncertificate: {}\npath: {}\nhost: {}\nforwarded: {}\n",
            self.0,
            connected.connection,
            connected.client_certificate.clone().unwrap_or_default(),
            request.target,
            told("host"),
            told("x-forwarded-for"),
        );
        let ok = Reply::new(200).header("Content-Type", "text/plain");
        let (_, last) = request.target.rsplit_once('/').unwrap_or_default();
        match last {
            "cookie" => exchange.reply(ok.header("Set-Cookie", "a=b; Path=/")).await,
            "location" => {
                let place = format!("http://{}/there", told("host"));
                exchange
                    .reply(Reply::new(302).header("Location", place))
                    .await
            }
            "failing" => exchange.reply(Reply::new(500).body(text)).await,
            "big" => exchange.reply(ok.body(vec![b'b'; 32 << 20])).await,
            "never" => {
                exchange.client_gone().await;
                Ok(())
            }
            "event" | "ticks" => events(exchange, last == "ticks").await,
            _ => exchange.reply(ok.body(text)).await,
        }
    }
}

/// One event, or one every now and then.
async fn events(exchange: &mut Exchange<'_>, ticks: bool) -> std::io::Result<()> {
    let head = Reply::new(200).header("Content-Type", "text/event-stream");
    let mut writer = exchange.stream(head).await?;
    for number in 1_u64.. {
        writer
            .send(format!("data: {number}\n\n").as_bytes())
            .await?;
        let pause = async {
            match ticks {
                true => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            () = writer.closed() => break,
            () = pause => {}
        }
    }
    Ok(())
}
