//! Many logins at once in this one process, each in a thread of its own with a handle of its own, as pam(3) allows.

use crate::application::Application;
use crate::wire::unhex;
use std::thread;

/// Items of pam_set_item(3).
const PAM_TTY: i32 = 3;
const PAM_RHOST: i32 = 4;

/// `crowd FOLDER SERVICE COUNT USER ANSWER…`: so many threads log this user in, and give these answers to one prompt
/// after the other. Gives back what each call of pam_authenticate returned.
pub(crate) fn run(folder: Vec<u8>, service: Vec<u8>, words: &[String]) -> String {
    let word = |position: usize| words.get(position).map_or("", String::as_str);
    let count: usize = word(3).parse().expect("a count");
    let user = unhex(word(4));
    let answers: Vec<Vec<u8>> = words.iter().skip(5).map(|answer| unhex(answer)).collect();
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let (folder, service, user, answers) = (folder.clone(), service.clone(), user.clone(), answers.clone());
            thread::spawn(move || {
                let mut application = Application::default();
                application.answers = Some(answers.into());
                assert_eq!(application.start(folder, service, user), 0, "pam_start_confdir");
                application.set_item(PAM_TTY, b"ssh".to_vec());
                application.set_item(PAM_RHOST, b"203.0.113.7".to_vec());
                let code = application.run("authenticate", 0);
                application.end();
                code
            })
        })
        .collect();
    let codes = threads.into_iter().map(|thread| thread.join().expect("no panic").to_string());
    codes.collect::<Vec<_>>().join(" ")
}
