//! Thousands of starts, aborts, reconnects, fail-overs, exits and closed pages against the simulated servers, from a seed.
//!
//! The servers act at once; what the gateway does about their answers comes later, in any order, or never where the visitor has gone.
//! At every moment the gateway counts at least what is there, for otherwise a limit could be passed. When all answers are in and silence has
//! passed, it counts exactly what is there.

use super::*;

mod page;
mod world;

use world::World;

#[test]
fn a_storm_ends_with_the_servers_own_truth() {
    let (mut starts, mut refused, mut alive) = (0, 0, 0);
    for seed in 1..=4 {
        let mut world = World::new(seed, true);
        for step in 0..4000 {
            world.step();
            if step % 20 == 0 {
                world.counts_at_least_what_is_there();
            }
        }
        world.calm_down();
        alive += world.counts_exactly_what_is_there();
        world.everybody_leaves();
        assert_eq!(world.counts_exactly_what_is_there(), 0);
        starts += world.starts;
        refused += world.refused;
    }
    // The storm was one: it started thousands, ran into the limit, and left chats to be compared.
    assert!(
        starts > 1000 && refused > 100 && alive > 20,
        "{starts} {refused} {alive}"
    );
}

#[test]
fn without_aborts_the_counts_are_exact_as_soon_as_all_answers_are_in() {
    let mut compared = 0;
    for seed in 11..=14 {
        let mut world = World::new(seed, false);
        for step in 0..2000 {
            world.step();
            if step % 50 == 0 {
                world.all_answers_come_in();
                compared += world.counts_exactly_what_is_there();
            }
        }
    }
    assert!(compared > 1000, "{compared}");
}
