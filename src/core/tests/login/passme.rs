//! The provider of `docs/writing-a-provider.md`: Nextcloud's "passme" example, whose answer is always `passme`.

use crate::world::*;
use herald_core::answer::Answer;
use herald_core::enrollment::{Enrollment, Factor};
use herald_core::ledger::Ledger;
use herald_core::login::{Login, Verdict};
use herald_core::phrases::{Phrases, of};
use herald_core::provider::{Challenged, Failure, Proof, Provider, Verified, When};

struct PassMe;

impl Provider for PassMe {
    fn id(&self) -> &str {
        "pass-me"
    }

    fn display_name(&self, _phrases: &Phrases) -> String {
        "Pass me".to_owned()
    }

    fn description(&self, _phrases: &Phrases) -> String {
        "asks for the word passme".to_owned()
    }

    fn challenge(&self, _login: &Login<'_>, _factor: &Factor, _when: When) -> Result<Challenged, Failure> {
        Ok(Challenged::asking("The word: ".to_owned()))
    }

    fn fits(&self, _login: &Login<'_>, _ledger: &Ledger, _answer: &Answer) -> bool {
        true
    }

    fn verify(&self, _login: &Login<'_>, _ledger: &mut Ledger, answer: &Answer) -> Result<Verified, Failure> {
        if answer.text() != "passme" {
            return Ok(Verified::Wrong);
        }
        Ok(Verified::Right(Proof { channel: self.id().to_owned(), gateway: None, to: String::new(), remark: None }))
    }
}

#[test]
fn a_provider_has_an_id_a_display_name_a_description_enabled_for_challenge_and_verify() {
    let world = World::new();
    assert_eq!(PassMe.id(), "pass-me");
    assert_eq!(PassMe.display_name(of("en")), "Pass me");
    assert_eq!(PassMe.description(of("en")), "asks for the word passme");
    assert!(!PassMe.enabled_for(&Enrollment::default()));
    world.enrollments.borrow_mut().clear();
    world.enroll("alice", "pass-me", "-");
    let enrollment = world.enrollments.borrow().values().next().cloned().expect("enrolled");
    assert!(PassMe.enabled_for(&enrollment));

    // `challenge` gives the prompt, `verify` judges the answer.
    let story = world.log_in_with(&[&PassMe], &world.ssh(), [types("passyou"), types("passme")]);
    assert_eq!(story.prompts, ["The word: ", "Wrong. The word: "]);
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(world.requests.get(), 0);
}

#[test]
fn a_provider_that_sends_nothing_is_asked_when_nothing_can_be_delivered() {
    let world = World::new();
    world.enroll("alice", "pass-me", "-");
    world.behaves("bot", herald_core::courier::End::Unreachable);
    let story = world.log_in_with(&[&PassMe], &world.ssh(), [types("passme")]);
    assert_eq!(story.prompts, ["Telegram failed. The word: "]);
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn an_answer_of_another_factor_is_accepted_at_any_prompt() {
    let world = World::new();
    world.enroll("alice", "pass-me", "-");
    let story = world.log_in_with(&[&PassMe], &world.ssh(), [types("passme")]);
    assert_eq!(story.prompts, ["Code sent by Telegram to ...977: "]);
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(world.ledger("alice").challenge.len(), 0, "the first success kills every code of the origin");
}
