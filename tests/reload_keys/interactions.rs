//! `limits.interactions`: chats and callbacks, counted over every reload.

use super::chats::{CALLBACK, CHAT, USER, silent, starts, starts_until};
use super::row::{Row, row, run};

/// A file with these keys, and starts that no burst limits unless these keys say so.
macro_rules! file {
    ($($own:tt)*) => {
        concat!("servers:\n  chat: { kind: webtools, url: '<chat>' }\nhosts:\n  proxy.example.com:\n    routes:\n      - { path: /chat/, server: chat }\nlimits:\n  interactions: { ", $($own)*, " }")
    };
}

const FREE: &str = file!(
    "MaxInteractionsAllowedPerUnitTime: 10000, MaxChatsAllowedPerUnitTime: 10000, MaxCallbacksAllowedPerUnitTime: 10000, @"
);
const STARTS: &str = file!("MaxChatsAllowedPerUnitTime: 10000, @");
const CHATS: &str = file!("MaxInteractionsAllowedPerUnitTime: 10000, @");
const CALLBACKS: &str = CHATS;
const KIOSK: &str = file!(
    "MaxInteractionsAllowedPerUnitTime: 10000, MaxChatsAllowedPerUnitTime: 10000, MaxInteractionsAllowedPerIP: 1, @"
);

/// A row about how many of four starts go through: one, and with the new number two more, for the first is not forgotten.
macro_rules! one_then_two {
    ($key:literal, $text:expr, $one:literal, $three:literal, $body:expr) => {
        row(
            concat!("limits.interactions.", $key),
            $text,
            [$one, $three],
            ["1", "2"],
            |ground, _| async move { starts(&ground, $body, 4).await },
        )
        .counted()
    };
}

pub fn rows() -> Vec<Row> {
    vec![
        one_then_two!(
            "MaxActiveInteractionsAllowed",
            FREE,
            "MaxActiveInteractionsAllowed: 1",
            "MaxActiveInteractionsAllowed: 3",
            CHAT
        ),
        one_then_two!(
            "MaxActiveChatsAllowed",
            FREE,
            "MaxActiveChatsAllowed: 1",
            "MaxActiveChatsAllowed: 3",
            CHAT
        ),
        one_then_two!(
            "MaxActiveCallbacksAllowed",
            FREE,
            "MaxActiveCallbacksAllowed: 1",
            "MaxActiveCallbacksAllowed: 3",
            CALLBACK
        ),
        one_then_two!(
            "MaxAnonymousInteractionsAllowed",
            FREE,
            "MaxAnonymousInteractionsAllowed: 1",
            "MaxAnonymousInteractionsAllowed: 3",
            CHAT
        ),
        one_then_two!(
            "MaxInteractionsAllowedPerUser",
            FREE,
            "MaxInteractionsAllowedPerUser: 1",
            "MaxInteractionsAllowedPerUser: 3",
            USER
        ),
        one_then_two!(
            "total_chats",
            FREE,
            "total_chats: 1",
            "total_chats: 3",
            CHAT
        ),
        one_then_two!(
            "total_callbacks",
            FREE,
            "total_callbacks: 1",
            "total_callbacks: 3",
            CALLBACK
        ),
        one_then_two!(
            "MaxInteractionsAllowedPerUnitTime",
            STARTS,
            "InteractionsAllowedUnitTime: 3600, MaxInteractionsAllowedPerUnitTime: 1",
            "InteractionsAllowedUnitTime: 3600, MaxInteractionsAllowedPerUnitTime: 3",
            CHAT
        ),
        one_then_two!(
            "MaxChatsAllowedPerUnitTime",
            CHATS,
            "ChatsAllowedUnitTime: 3600, MaxChatsAllowedPerUnitTime: 1",
            "ChatsAllowedUnitTime: 3600, MaxChatsAllowedPerUnitTime: 3",
            CHAT
        ),
        one_then_two!(
            "MaxCallbacksAllowedPerUnitTime",
            CALLBACKS,
            "CallbacksAllowedUnitTime: 3600, MaxCallbacksAllowedPerUnitTime: 1",
            "CallbacksAllowedUnitTime: 3600, MaxCallbacksAllowedPerUnitTime: 3",
            CALLBACK
        ),
        row(
            "limits.interactions.InteractionsAllowedUnitTime",
            STARTS,
            [
                "MaxInteractionsAllowedPerUnitTime: 1, InteractionsAllowedUnitTime: 3600",
                "MaxInteractionsAllowedPerUnitTime: 1, InteractionsAllowedUnitTime: 1",
            ],
            ["1", "3"],
            |ground, expected| async move { starts_until(&ground, CHAT, expected).await },
        )
        .counted(),
        row(
            "limits.interactions.ChatsAllowedUnitTime",
            CHATS,
            [
                "MaxChatsAllowedPerUnitTime: 1, ChatsAllowedUnitTime: 3600",
                "MaxChatsAllowedPerUnitTime: 1, ChatsAllowedUnitTime: 1",
            ],
            ["1", "3"],
            |ground, expected| async move { starts_until(&ground, CHAT, expected).await },
        )
        .counted(),
        row(
            "limits.interactions.CallbacksAllowedUnitTime",
            CALLBACKS,
            [
                "MaxCallbacksAllowedPerUnitTime: 1, CallbacksAllowedUnitTime: 3600",
                "MaxCallbacksAllowedPerUnitTime: 1, CallbacksAllowedUnitTime: 1",
            ],
            ["1", "3"],
            |ground, expected| async move { starts_until(&ground, CALLBACK, expected).await },
        )
        .counted(),
        row(
            "limits.interactions.MaxInteractionsAllowedPerIP",
            FREE,
            [
                "MaxInteractionsAllowedPerIP: 1",
                "MaxInteractionsAllowedPerIP: 3",
            ],
            ["1", "2"],
            |ground, _| async move { starts(&ground, CHAT, 4).await },
        )
        .counted(),
        row(
            "limits.interactions.TrustedHosts",
            KIOSK,
            ["TrustedHosts: [198.51.100.1]", "TrustedHosts: [127.0.3.1]"],
            ["1", "4"],
            |ground, _| async move { starts(&ground, CHAT, 4).await },
        )
        .counted(),
        row(
            "limits.interactions.mode",
            KIOSK,
            ["mode: enforce", "mode: observe"],
            ["1", "4"],
            |ground, _| async move { starts(&ground, CHAT, 4).await },
        )
        .counted(),
        row(
            "limits.interactions.silence.chat",
            FREE,
            ["silence: { chat: 1h }", "silence: { chat: 1s }"],
            ["open", "ended"],
            |ground, expected| async move {
                starts(&ground, CHAT, 1).await;
                silent(&ground, "chats", expected).await
            },
        ),
        row(
            "limits.interactions.silence.callback",
            FREE,
            ["silence: { callback: 1h }", "silence: { callback: 1s }"],
            ["open", "ended"],
            |ground, expected| async move {
                starts(&ground, CALLBACK, 1).await;
                silent(&ground, "callbacks", expected).await
            },
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_of_interactions_changes_what_it_names_and_nothing_else() {
    run(rows()).await;
}
