//! `check`: the catalogue of what only the world or several sections together can show, and where its words and exit codes go.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use support::{Ran, World, compare, fail_on, repository};

fn catalogue() -> Vec<PathBuf> {
    let folder = repository("tests/fixtures/config/compile");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

/// `check` of a file of the catalogue.
fn check(world: &World, path: &PathBuf) -> Ran {
    let name = path.file_name().unwrap().to_str().unwrap();
    world.write(name, &fs::read_to_string(path).unwrap());
    world.run(&["check", "-c", name])
}

#[test]
fn every_mistake_in_the_catalogue_is_reported_as_expected() {
    let world = World::new();
    let files = catalogue();
    assert!(files.len() >= 12, "{files:?}");
    let mut failures = String::new();
    for path in files {
        let ran = check(&world, &path);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(1), ""),
            "{}",
            path.display()
        );
        let here = world.folder().display().to_string();
        assert!(
            !ran.err.contains(&here),
            "{} names the folder: {}",
            path.display(),
            ran.err
        );
        compare(&path.with_extension("txt"), &ran.err, &mut failures);
    }
    fail_on(&failures);
}

#[test]
fn every_mistake_comes_with_its_place_and_a_remedy() {
    let world = World::new();
    for path in catalogue() {
        let report = check(&world, &path).err;
        let name = path.file_name().unwrap().to_str().unwrap();
        let errors = report.matches(": error: ").count();
        let placed = report
            .lines()
            .filter(|line| {
                let place = line
                    .strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix(':'));
                place.is_some_and(|rest| {
                    rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(": error: ")
                })
            })
            .count();
        let remedies = report.matches(" = help: ").count();
        assert_eq!((errors, errors), (placed, remedies), "{report}");
        assert!(
            report.ends_with(&format!(
                "{errors} error{}\n",
                if errors == 1 { "" } else { "s" }
            )),
            "{report}"
        );
    }
}

#[test]
fn a_report_does_not_depend_on_where_the_file_is_read_from() {
    let world = World::new();
    for path in catalogue() {
        let near = check(&world, &path).err;
        let name = path.file_name().unwrap().to_str().unwrap();
        let whole = world.folder().join(name);
        let far = world
            .command(&["check", "-c", whole.to_str().unwrap()])
            .current_dir("/")
            .output()
            .unwrap();
        let far = Ran::from(far).err.replace(whole.to_str().unwrap(), name);
        assert_eq!(near, far);
    }
}

#[test]
fn run_and_explain_say_what_check_says() {
    let world = World::new();
    for path in catalogue() {
        let checked = check(&world, &path);
        let name = path.file_name().unwrap().to_str().unwrap();
        for arguments in [
            &["run", "-c", name][..],
            &["-c", name],
            &["explain", "-c", name, "http://a.example.com/"],
        ] {
            assert_eq!(world.run(arguments), checked, "{arguments:?}");
        }
    }
}

const GOOD: &str = "\
listeners: [{ listen: 127.0.0.1:443, tls: {} }]
tls: { certificates: [{ cert: tls/a.pem, key: tls/a.key }] }
servers:
  s1: { kind: icws, url: http://s1.example.com }
  s2: { kind: icws, url: https://192.0.2.1, insecure: true }
hosts:
  a.example.com: { server: s1 }
";

#[test]
fn a_good_file_is_good_and_warnings_go_elsewhere() {
    let world = World::new();
    world.write("p.yaml", GOOD);
    let ran = world.run(&["check", "-c", "p.yaml"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.out, "p.yaml: good: 1 listener, 2 servers, 1 host\n");
    assert_eq!(
        ran.err,
        "warning: the certificate of s2 is not verified (insecure: true)\n"
    );
}

#[test]
fn what_show_prints_is_a_file_that_check_takes_and_shows_alike() {
    let world = World::new();
    world.write("p.yaml", GOOD);
    let shown = world.run(&["check", "--show", "-c", "p.yaml"]);
    assert_eq!(shown.code, Some(0));
    world.write("shown.yaml", &shown.out);
    let again = world.run(&["check", "--show", "-c", "shown.yaml"]);
    assert_eq!(again, shown);
    assert!(shown.out.contains("keep_alive"), "{}", shown.out);
}

#[test]
fn the_schema_is_the_one_that_is_shipped() {
    let ran = World::new().run(&["schema"]);
    let shipped = fs::read_to_string(repository("conf/portcullis.schema.json")).unwrap();
    assert_eq!(
        (ran.code, ran.out, ran.err),
        (Some(0), shipped, String::new())
    );
}

#[test]
fn wrong_arguments_are_2_and_help_is_0() {
    let world = World::new();
    for arguments in [
        &["chek"][..],
        &["check", "--nonsense"],
        &["check", "extra"],
        &["explain"],
        &["explain", "a", "b", "c"],
        &["explain", "/relative"],
        &["explain", "--from", "nobody", "https://a/"],
    ] {
        let ran = world.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!ran.err.is_empty());
    }
    for arguments in [&["--help"][..], &["check", "--help"], &["--version"]] {
        let ran = world.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let ran = World::new().run(&["check", "-c", "gone.yaml"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    let expected =
        "gone.yaml: error: the file cannot be read: No such file or directory (os error 2)";
    assert!(ran.err.starts_with(expected), "{}", ran.err);
}

/// `portcullis schema | head -1`, and the same for what goes to standard error.
#[test]
fn a_reader_that_leaves_early_does_no_harm() {
    let world = World::new();
    world.write("p.yaml", GOOD);
    let wrong = (0..500).map(|n| format!("key{n}: 1\n")).collect::<String>();
    world.write("wrong.yaml", &wrong);
    for (arguments, code) in [
        (&["schema"][..], 0),
        (&["check", "--show", "-c", "p.yaml"], 0),
        (
            &[
                "explain",
                "-c",
                "p.yaml",
                "https://a.example.com/icws/connection",
            ],
            0,
        ),
        (&["check", "-c", "wrong.yaml"], 1),
        (&["run", "-c", "wrong.yaml"], 1),
    ] {
        let mut command = world.command(arguments);
        // Pipes whose reading ends are closed before a byte is written.
        let (out, err) = (std::io::pipe().unwrap().1, std::io::pipe().unwrap().1);
        let status = command
            .stdout(Stdio::from(out))
            .stderr(Stdio::from(err))
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}
