//! A scratch machine with Herald on it, and the people at it: stories with real programs from the prompt to the phone.
//!
//! ```no_run
//! use herald_tests::world::{ALICE, Sshd, World, example};
//!
//! let world = World::new();
//! let sshd = Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")]);
//! let mut alice = sshd.log_in("alice");
//! alice.expect("Password: ");
//! alice.send_line(ALICE.password);
//! alice.expect("Code sent by Telegram to ...977: ");
//! alice.send_line(&world.phone.code());
//! alice.expect("in as alice");
//! ```
//!
//! Everything happens in namespaces of the test's own (see `namespace.sh`), so stories run side by side, nothing of
//! this machine changes, and nothing is left when the test ends, however it ends. That takes root.

mod accounts;
mod app;
mod artefacts;
mod broker;
mod desktop;
mod journal;
mod lightdm;
mod login;
mod machine;
mod phone;
mod screen;
mod sddm;
mod sshd;
mod stacks;
mod story;
mod terminal;

pub use accounts::{ALICE, BOB, Person, ROOT};
pub use app::{APP_SECRET, app};
pub use broker::{BROKER_SOCKET, Somebody};
pub use journal::{Journal, Record};
pub use lightdm::LightDm;
pub use login::{BEHIND_PASSWORD, Typed};
pub use machine::{Ended, HOST_NAME, Machine, Running};
pub use phone::{Phone, another};
pub use screen::{Picture, Screen};
pub use sddm::Sddm;
pub use sshd::Sshd;
pub use stacks::example;
pub use story::World;
pub use terminal::Terminal;
