//! A reload that changes nothing does nothing: by content, whatever the clock says of the files.

use std::sync::Arc;

use portcullis::reload::Outcome;

use crate::support::*;

#[tokio::test]
async fn the_same_bytes_are_no_reload_whenever_they_were_written() {
    let inside = answering().await;
    let yaml = servers(&[("one", &inside)]);
    let stage = Stage::start(&yaml).await;
    let (before, bound) = (stage.snapshot(), stage.server.bound());
    assert_eq!(stage.get("/one/x").await.status(), Some(200));
    let hash = stage.hash().await;
    for name in ["p.yaml", "edge.pem", "edge.key"] {
        let path = stage.folder().join(name);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(stage.again().await, Outcome::Unchanged);
        assert_eq!(stage.get("/one/x").await.status(), Some(200));
    }
    assert!(Arc::ptr_eq(&before, &stage.snapshot()));
    assert_eq!(stage.server.bound(), bound);
    assert_eq!(inside.accepted(), 1, "the pooled connection is still used");
    assert_eq!(stage.told().await["generation"], 1);
    assert_eq!(stage.hash().await, hash);
    assert_eq!(stage.counted().await, [0.0, 3.0, 0.0]);
}

#[tokio::test]
async fn other_words_for_the_same_are_no_reload_and_yet_other_bytes() {
    let inside = answering().await;
    let yaml = servers(&[("one", &inside)]);
    let stage = Stage::start(&yaml).await;
    let (before, hash) = (stage.snapshot(), stage.hash().await);
    let remark = format!("# a remark\n\n{yaml}");
    assert_eq!(stage.reload(&remark).await, Outcome::Unchanged);
    assert!(Arc::ptr_eq(&before, &stage.snapshot()));
    let other = stage.hash().await;
    assert_ne!(other, hash, "the hash is one of bytes");
    assert_eq!(stage.told().await["hash"], other.as_str());
    assert_eq!(stage.reload(&yaml).await, Outcome::Unchanged);
    assert_eq!(stage.hash().await, hash);
}

#[tokio::test]
async fn another_certificate_in_the_same_file_is_a_change_and_nothing_else_is_touched() {
    let inside = answering().await;
    let stage = Stage::start(&servers(&[("one", &inside)])).await;
    assert_eq!(stage.get("/one/x").await.status(), Some(200));
    let before = stage.snapshot();
    certify(stage.folder(), &stage.authority, "edge");
    assert_eq!(stage.again().await, Outcome::Applied);
    let after = stage.snapshot();
    assert!(!Arc::ptr_eq(&before, &after));
    assert!(Arc::ptr_eq(&before.upstreams[0], &after.upstreams[0]));
    let told = stage.told().await;
    let changes = told["last"]["changes"].as_array().unwrap();
    let told: Vec<&str> = changes.iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "file edge.key has new content");
    let until = "file edge.pem has new content: proxy.example.com, until ";
    assert!(told[1].starts_with(until), "{told:?}");
    assert_eq!(stage.get("/one/x").await.status(), Some(200));
    assert_eq!(inside.accepted(), 1, "the pooled connection is still used");
    assert_eq!(stage.again().await, Outcome::Unchanged);
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused_and_the_old_one_is_shown_on() {
    let inside = answering().await;
    let stage = Stage::start(&servers(&[("one", &inside)])).await;
    let before = stage.snapshot();
    let key = std::fs::read(stage.folder().join("edge.key")).unwrap();
    certify(stage.folder(), &stage.authority, "edge");
    std::fs::write(stage.folder().join("edge.key"), key).unwrap();
    assert_eq!(stage.again().await, Outcome::Refused);
    assert!(Arc::ptr_eq(&before, &stage.snapshot()));
}

#[tokio::test]
async fn a_folder_that_has_gone_is_no_unchanged_configuration() {
    let rest = format!("hosts: {{ {HOST}: {{ files: www }} }}\n");
    let stage = Stage::with(&rest, |folder, _| {
        std::fs::create_dir(folder.join("www")).unwrap();
    })
    .await;
    assert_eq!(stage.again().await, Outcome::Unchanged);
    std::fs::remove_dir(stage.folder().join("www")).unwrap();
    assert_eq!(stage.again().await, Outcome::Refused);
    std::fs::create_dir(stage.folder().join("www")).unwrap();
    assert_eq!(stage.again().await, Outcome::Unchanged);
}
