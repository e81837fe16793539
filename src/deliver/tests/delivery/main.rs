//! The built `herald-deliver`, started as the module starts it, in front of a Bot API server that fails.

mod cage;
mod captive;
mod classes;
mod command;
mod harness;
mod hostile;
mod kannel;
mod order;
mod peers;
mod proxy;
mod service;
