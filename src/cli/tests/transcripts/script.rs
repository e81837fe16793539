//! How a transcript is written.
//!
//! | line | what |
//! |---|---|
//! | `# …`, empty | a comment |
//! | `$ herald status` | a command; `NAME=value` before it is its whole environment |
//! | `@ write FILE MODE` | a file is made, of the lines of input below |
//! | `@ show FILE` | the text of a file is the output, `@ mode FILE` its mode |
//! | `@ remove FILE` | a file or folder is removed |
//! | `@ machine` | from here on the story has a machine of its own; its files are `/etc/…` |
//! | `@ locale ja_JP.UTF-8` | LANG of every command from here on |
//! | `@ phone` | what reached phones since the last look is the output |
//! | `< …` | a line of input; `{code}` is the code that just reached the phone, `{wrong}` another |
//! | `< {app SECRET}` | what an app with this secret shows now |
//! | `! …` | a line of stderr |
//! | `> …` | a line of stdout |
//! | `= 2` | the exit status, where it is not 0 |
//!
//! Files are those of the story's own folder. Times are put to one date, the folder is `HERE`;
//! nonces, secrets and backup codes become `NONCE`, `SECRET` and `CODE1-CODE2`.

use std::fmt;

/// A whole story.
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
    /// Comments behind the last step.
    rest: String,
}

/// One command and what came of it.
#[derive(Default)]
pub(crate) struct Step {
    comments: String,
    pub(crate) head: Head,
    pub(crate) input: Vec<String>,
    pub(crate) stderr: String,
    pub(crate) stdout: String,
    pub(crate) status: i32,
}

/// What a step does.
#[derive(Default)]
pub(crate) enum Head {
    #[default]
    Nothing,
    /// `$ …`
    Command(String),
    /// `@ …`
    Prop(String),
}

impl Script {
    /// Takes the commands and inputs of a transcript; what came of them is left out, to be filled in anew.
    pub(crate) fn parse(text: &str) -> Self {
        let mut script = Self { steps: Vec::new(), rest: String::new() };
        for line in text.lines() {
            let head = match line.split_at_checked(2) {
                Some(("$ ", command)) => Some(Head::Command(command.to_owned())),
                Some(("@ ", prop)) => Some(Head::Prop(prop.to_owned())),
                _ => None,
            };
            match (head, line.chars().next()) {
                (Some(head), _) => {
                    let comments = std::mem::take(&mut script.rest);
                    script.steps.push(Step { comments, head, ..Step::default() });
                }
                (None, None | Some('#')) => {
                    script.rest.push_str(line);
                    script.rest.push('\n');
                }
                (None, Some('<')) => {
                    let step = script.steps.last_mut().expect("input belongs to a command");
                    step.input.push(line.get(2..).unwrap_or_default().to_owned());
                }
                (None, Some('!' | '>' | '=')) => {}
                _ => panic!("not a line of a transcript: {line}"),
            }
        }
        script
    }
}

impl fmt::Display for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            step.fmt(formatter)?;
        }
        formatter.write_str(&self.rest)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.comments)?;
        match &self.head {
            Head::Nothing => {}
            Head::Command(command) => writeln!(formatter, "$ {command}")?,
            Head::Prop(prop) => writeln!(formatter, "@ {prop}")?,
        }
        for (mark, text) in [("<", &self.input.join("\n")), ("!", &self.stderr), (">", &self.stdout)] {
            for line in text.lines() {
                writeln!(formatter, "{}", format!("{mark} {line}").trim_end())?;
            }
        }
        if self.status == 0 { Ok(()) } else { writeln!(formatter, "= {}", self.status) }
    }
}
