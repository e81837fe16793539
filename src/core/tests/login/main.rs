//! Whole logins in memory: every rule that decides, shown by what a person sees, what reaches the phone and what is
//! logged.

#![allow(unreachable_pub)] // one binary: nothing here is seen from outside

mod append;
mod audit;
mod broker;
mod codes;
mod dialogue;
mod enrolling;
mod evidence;
mod full_disk;

mod guessing;
mod limits;
mod logged;
mod offline;
mod passme;
mod registrar;
mod remember;
mod who;
mod world;
