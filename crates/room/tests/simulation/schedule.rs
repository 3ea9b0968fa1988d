//! What a seed stands for: the world that is simulated, and what happens in it, step by step.

use crate::disk::{Crash, DiskKind};
use crate::network::NetworkKind;
use crate::random::Random;

const MAX_LENGTH: usize = 200;

/// The world of a schedule.
#[derive(Clone, Debug)]
pub struct Setting {
    pub peers: usize,
    /// Operations that the room keeps for who resumes.
    pub tail: usize,
    pub disk: DiskKind,
    pub network: NetworkKind,
    /// Whether what the server has to say waits until it is told to say it.
    pub hesitates: bool,
    /// Whether all messages go through their encoding.
    pub encodes: bool,
    /// Whether somebody may make a hundred mistakes in a row.
    pub is_clumsy: bool,
    pub ending: Ending,
}

/// What happens after the schedule.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Quiet,
    /// Somebody undoes some operations and redoes them, with or without waiting for the answer each time.
    UndoAndRedo {
        who: usize,
        depth: usize,
        waits: bool,
    },
}

/// One step. `who` is a client.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Edits that the room refuses, more of them than it remembers of a client, and their answers.
    Blunder {
        who: usize,
    },
    Edit {
        who: usize,
        keys: usize,
        is_reset: bool,
    },
    Undo {
        who: usize,
    },
    Redo {
        who: usize,
    },
    Reset {
        who: usize,
    },
    StepOut {
        who: usize,
    },
    Open {
        who: usize,
    },
    Rejoin {
        who: usize,
    },
    ShowEveryone {
        who: usize,
    },
    Present {
        who: usize,
        state: usize,
    },
    Rename {
        who: usize,
    },
    /// A new page with a new copy of the room in place of the old one.
    Reload {
        who: usize,
    },

    Connect {
        who: usize,
    },
    /// The connection breaks, and what is under way is lost. The server finds out late or never.
    Break {
        who: usize,
    },
    /// The client gives its connection up. What it has sent still arrives, late.
    Abandon {
        who: usize,
    },
    /// The server gives the connection up.
    TimeOut {
        who: usize,
    },
    Send {
        who: usize,
        count: usize,
    },
    Receive {
        who: usize,
        count: usize,
    },
    /// Everything that is under way between this client and the server arrives, and is made durable.
    Exchange {
        who: usize,
    },
    /// The network delivers something of a connection that its client has given up, or its end.
    Straggle {
        which: usize,
    },
    /// The network delivers the next message to the server twice.
    Repeat {
        who: usize,
    },
    /// A hostile network loses or changes the next message to the client.
    Tamper {
        who: usize,
    },

    Append,
    Sync,
    Commit,
    /// The three of them at once.
    Write,
    Flush,
    /// The disk refuses to write.
    DiskFull,
    WriteSnapshot,
    /// Removes the log before the durable snapshot but for the last records.
    RemoveOld {
        keep: usize,
    },
    Crash(Crash),
    /// The right to change the room is given or taken.
    Access {
        who: usize,
        may_write: bool,
    },
}

#[derive(Clone, Debug)]
pub struct Schedule {
    pub setting: Setting,
    pub actions: Vec<Action>,
}

impl Schedule {
    pub fn of(seed: u64) -> Schedule {
        let mut random = Random::new(seed);
        // Few people meet more often.
        let peers = [1, 2, 2, 2, 3, 3, 4, 8][random.below(8)];
        let network = match random.below(8) {
            0 => NetworkKind::Losing,
            1 => NetworkKind::Altering,
            _ => NetworkKind::Honest,
        };
        let ending = match random.below(5) {
            0 => Ending::UndoAndRedo { who: random.below(peers), depth: 1 + random.below(5), waits: random.chance(50) },
            _ => Ending::Quiet,
        };
        let setting = Setting {
            peers,
            tail: [0, 2, 5, 5, 1_000][random.below(5)],
            disk: if random.chance(50) { DiskKind::Transactions } else { DiskKind::Records },
            network,
            hesitates: random.chance(50),
            encodes: random.chance(20),
            // Where an answer is lost inside of a connection, the room may truly have forgotten it by the time it is asked.
            is_clumsy: random.chance(4) && network == NetworkKind::Honest,
            ending,
        };
        let length = random.below(MAX_LENGTH);
        let actions = (0..length).map(|_| action(&mut random, &setting)).collect();
        Schedule { setting, actions }
    }
}

fn action(random: &mut Random, setting: &Setting) -> Action {
    let who = random.below(setting.peers);
    if setting.network != NetworkKind::Honest && random.chance(10) {
        return Action::Tamper { who };
    }
    if setting.is_clumsy && random.chance(8) {
        return Action::Blunder { who };
    }
    match random.below(200) {
        0..=31 => Action::Edit { who, keys: random.below(32), is_reset: random.chance(15) },
        32..=47 => Action::Undo { who },
        48..=55 => Action::Redo { who },
        56 => Action::Reset { who },
        57..=58 => Action::StepOut { who },
        59 => Action::Open { who },
        60..=61 => Action::Rejoin { who },
        62..=63 => Action::ShowEveryone { who },
        64 => Action::Present { who, state: random.below(100) },
        65 => Action::Rename { who },
        66..=67 => Action::Reload { who },
        68..=83 => Action::Connect { who },
        84..=86 => Action::Break { who },
        87..=89 => Action::Abandon { who },
        90..=91 => Action::TimeOut { who },
        92..=113 => Action::Send { who, count: 1 + random.below(4) },
        114..=135 => Action::Receive { who, count: 1 + random.below(5) },
        136..=149 => Action::Exchange { who },
        150..=153 => Action::Straggle { which: random.below(64) },
        154..=155 => Action::Repeat { who },
        156..=161 => Action::Append,
        162..=167 => Action::Sync,
        168..=173 => Action::Commit,
        174..=183 => Action::Write,
        184..=187 => Action::Flush,
        188..=189 => Action::DiskFull,
        190..=192 => Action::WriteSnapshot,
        193..=194 => Action::RemoveOld { keep: random.below(6) },
        195..=197 => Action::Crash(Crash { is_power_loss: random.chance(50), chance: random.next() }),
        _ => Action::Access { who, may_write: random.chance(70) },
    }
}
