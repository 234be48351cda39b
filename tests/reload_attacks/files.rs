//! The file itself: cut off, gone, or no file at all.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::stage::{KEPT, NEW, Stage, file};
use super::support::World;

/// How many places a file is cut off at.
const CUTS: usize = 40;

/// A name that cannot be half of another one.
fn named(number: usize) -> String {
    format!("h{number}.wild.example.com")
}

#[test]
fn a_file_cut_off_anywhere_is_refused_or_taken_for_what_it_says_exactly_as_check_has_it() {
    let names: Vec<String> = (0..10).map(named).collect();
    let mut all = vec![KEPT];
    all.extend(names.iter().map(String::as_str));
    let whole = file(&all) + "log: { level: info }\n";
    let stage = Stage::with(&whole);
    let mut last = names.len();
    for cut in 1..=CUTS {
        let (part, _) = whole.split_at(whole.len() * cut / CUTS);
        // In its place, as an editor does that truncates the file and writes it anew.
        stage.world.write("p.yaml", part);
        let good = stage.world.run(&["check", "-c", "p.yaml"]).code == Some(0);
        assert_eq!(stage.reload(), good, "{part}\n{}", stage.gateway.log());
        if good {
            last = names
                .iter()
                .filter(|name| part.contains(&format!("  {name}: {{ files: www }}")))
                .count();
        }
        assert_eq!(stage.status(KEPT), 200);
        for (at, name) in names.iter().enumerate() {
            let expected = if at < last { 200 } else { 404 };
            assert_eq!(stage.status(name), expected, "{name} after {part}");
        }
    }
    assert_eq!(last, names.len(), "the last cut was none");
    stage.recovers();
}

#[test]
fn a_file_that_is_gone_or_a_folder_or_a_link_to_itself_is_refused() {
    let stage = Stage::open();
    let place = stage.path("p.yaml");
    fs::remove_file(&place).unwrap();
    stage.refuses("the file cannot be read: No such file or directory");
    fs::create_dir(&place).unwrap();
    stage.refuses("the file cannot be read: Is a directory");
    fs::remove_dir(&place).unwrap();
    symlink("p.yaml", &place).unwrap();
    stage.refuses("the file cannot be read: Too many levels of symbolic links");
    stage.recovers();
}

#[test]
fn a_pipe_or_a_device_in_place_of_the_file_holds_nothing_up() {
    let stage = Stage::open();
    let place = stage.path("p.yaml");
    fs::remove_file(&place).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&place)
            .status()
            .unwrap()
            .success()
    );
    stage.refuses("the file cannot be read: it is not a regular file");
    for device in ["/dev/zero", "/dev/null"] {
        fs::remove_file(&place).unwrap();
        symlink(device, &place).unwrap();
        stage.refuses("the file cannot be read: it is not a regular file");
    }
    stage.recovers();
}

#[test]
fn a_pipe_in_place_of_the_file_does_not_hold_the_start_up_either() {
    let world = World::new();
    let place = world.folder().join("p.yaml");
    assert!(
        Command::new("mkfifo")
            .arg(&place)
            .status()
            .unwrap()
            .success()
    );
    for command in ["run", "check"] {
        let ran = world.run(&[command, "-c", "p.yaml"]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("it is not a regular file"), "{}", ran.err);
    }
}

#[test]
fn a_huge_file_is_refused_without_being_read() {
    let stage = Stage::open();
    let memory = || -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", stage.gateway.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    };
    let before = memory();
    // Sparse: it takes no room on the disk.
    let huge = fs::File::create(stage.path("p.yaml")).unwrap();
    huge.set_len(64 << 30).unwrap();
    for _ in 0..10 {
        stage.refuses("the file cannot be read: it is larger than 16 MiB");
    }
    assert!(memory() < before + 64 * 1024, "{before} {}", memory());
    stage.recovers();
}

/// Kubernetes mounts a ConfigMap so: every name is a link through `..data`, which is replaced in one step.
#[test]
fn files_that_are_links_follow_when_the_link_is_swapped() {
    let world = World::new();
    for (version, names) in [("v1", &[KEPT][..]), ("v2", &[KEPT, NEW])] {
        world.write(&format!("..{version}/p.yaml"), &file(names));
        world.write(&format!("..{version}/www/index.html"), version);
    }
    fs::remove_dir_all(world.folder().join("www")).unwrap();
    let link = |to: &str, name: &str| {
        let beside = world.folder().join("beside");
        symlink(to, &beside).unwrap();
        fs::rename(beside, world.folder().join(name)).unwrap();
    };
    link("..v1", "..data");
    link("..data/p.yaml", "p.yaml");
    link("..data/www", "www");
    let stage = Stage::of(world);
    let page = || super::gateway::get(stage.public[1], KEPT, "/").unwrap();
    assert!(page().ends_with("v1"));
    let beside = stage.path("beside");
    symlink("..v2", &beside).unwrap();
    fs::rename(&beside, stage.path("..data")).unwrap();
    // The folder is opened anew for each request, the file with the signal.
    assert_eq!((stage.status(NEW), page().ends_with("v2")), (404, true));
    assert!(stage.reload());
    assert_eq!(stage.status(NEW), 200);
    fs::remove_dir_all(stage.path("..v2")).unwrap();
    assert!(!stage.reload());
}
