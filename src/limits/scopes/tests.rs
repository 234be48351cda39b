//! Names and numbers over reloads.

use super::*;

#[test]
fn a_name_keeps_its_number_and_no_two_share_one() {
    let scopes = Scopes::default();
    let kind = scopes.id("kind icws");
    let route = scopes.id("route icws");
    assert_ne!(kind, route);
    assert_eq!(scopes.id("kind icws"), kind);
    assert_eq!(scopes.name(kind).as_deref(), Some("kind icws"));
    assert_eq!(scopes.name(route).as_deref(), Some("route icws"));
    assert_eq!(scopes.name(ScopeId::PROCESS), None);
}

#[test]
fn the_configuration_in_use_keeps_its_numbers_however_many_came_and_went() {
    let scopes = Scopes::bounded(100);
    let reload = |number: u32| -> Vec<ScopeId> {
        let fresh = (0..20).map(|route| format!("route {number} {route}"));
        let _: Vec<ScopeId> = fresh.map(|name| scopes.id(&name)).collect();
        (0..20)
            .map(|route| scopes.id(&format!("route {route}")))
            .collect()
    };
    let first = reload(0);
    for number in 1..50 {
        assert_eq!(reload(number), first);
        let names = scopes.names.read().unwrap();
        assert!(names.by_name.len() <= 100);
        assert_eq!(names.by_name.len(), names.by_id.len());
    }
    // What is asked for again after it was forgotten counts anew: its old number may still be in the table.
    let long_gone = scopes.id("route 0 0");
    assert!(long_gone.0 > 20 * 50);
}
