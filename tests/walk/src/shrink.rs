//! Makes a failing list of commands shorter.

use crate::Episode;
use crate::command::Command;

/// How many runs a shortening may take.
const RUNS: usize = 20_000;

/// True if a violation of this kind is found.
fn fails(episode: &Episode, commands: &[Command], kind: &str) -> bool {
    let mut world = episode.world(false);
    for command in commands {
        world.apply(*command);
        if world.has_violated(kind) {
            return true;
        }
    }
    world.settle();
    world.has_violated(kind)
}

/// A short list of commands with the same violation: no part of a power of two can be left out.
pub(crate) fn shrink(episode: &Episode, kind: &str) -> Episode {
    let mut commands = episode.commands.clone();
    let mut part = commands.len() / 2;
    let mut runs = 0;
    while part > 0 {
        let (mut at, mut has_changed) = (0, false);
        while at < commands.len() && runs < RUNS {
            let mut shorter = commands.clone();
            shorter.drain(at..(at + part).min(commands.len()));
            runs += 1;
            if fails(episode, &shorter, kind) {
                (commands, has_changed) = (shorter, true);
            } else {
                at += part;
            }
        }
        if !has_changed || part > 1 {
            part /= 2;
        }
    }
    Episode { commands, ..episode.clone() }
}
