//! The bytes between a login and `herald-deliver`: frames of [`crate::wire`].

use super::*;
use crate::wire::{Input, Malformed, Output, frame};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
/// The longest payload of a request: several K_files of 64 KiB fit.
pub const MAX_REQUEST: usize = 1 << 20;
/// The longest payload of an answer (rule 23).
pub const MAX_ANSWER: usize = 64 * 1024;

/// A request as one frame, length included, in memory that is wiped; `Malformed` if it is too long.
///
/// # Errors
/// Only for its length: beyond [`MAX_REQUEST`].
pub fn encode_request(request: &Request) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    frame(VERSION, MAX_REQUEST, |out| {
        out.number(request.deadline.as_millis());
        out.text(&request.proxy);
        out.text(&request.ca);
        out.list(&request.gateways, |out, gateway| {
            out.text(&gateway.name);
            out.text(&gateway.channel);
            out.text(&gateway.driver);
            out.flag(gateway.insecure);
            out.list(&gateway.fields, |out, (name, field)| {
                out.text(name);
                match field {
                    Field::Text(text) => {
                        out.byte(0);
                        out.text(text.expose());
                    }
                    Field::Integer(number) => {
                        out.byte(1);
                        out.bytes(&number.to_be_bytes());
                    }
                    Field::Flag(flag) => {
                        out.byte(2);
                        out.flag(*flag);
                    }
                }
            });
            out.option(gateway.definition.as_ref(), |out, definition| {
                out.text(&definition.file);
                out.text(&definition.text);
            });
        });
        match &request.job {
            Job::Describe(driver) => {
                out.byte(0);
                out.option(driver.as_ref(), |out, driver| out.text(driver));
            }
            Job::Check => out.byte(1),
            Job::Status => out.byte(2),
            Job::FindChat { nonce, drop_pending } => {
                out.byte(4);
                out.text(nonce.expose());
                out.flag(*drop_pending);
            }
            Job::Send { tries, message } => {
                out.byte(3);
                out.list(tries, |out, one| {
                    out.text(&one.gateway);
                    out.text(&one.address);
                });
                out.option(message.code.as_ref(), |out, code| out.text(code.expose()));
                out.number(message.lifetime.as_millis());
                out.text(&message.language);
                out.text(&message.copy_label);
                out.list(&message.parts, |out, part| {
                    out.byte(topic_tag(part.topic));
                    out.text(&part.text);
                });
            }
        }
    })
}

/// Reads the payload of a request.
///
/// # Errors
/// Anything unexpected, trailing bytes included.
pub fn decode_request(payload: &[u8]) -> Result<Request, Malformed> {
    let mut input = Input::open(VERSION, payload)?;
    let deadline = input.duration()?;
    let proxy = input.text()?;
    let ca = input.text()?;
    let gateways = input.list(|input| {
        Ok(Gateway {
            name: input.text()?,
            channel: input.text()?,
            driver: input.text()?,
            insecure: input.flag()?,
            fields: input.list(|input| {
                let name = input.text()?;
                let field = match input.byte()? {
                    0 => Field::Text(Secret::new(input.text()?)),
                    1 => Field::Integer(i64::from_be_bytes(input.array()?)),
                    2 => Field::Flag(input.flag()?),
                    _ => return Err(Malformed),
                };
                Ok((name, field))
            })?,
            definition: input.option(|input| Ok(Definition { file: input.text()?, text: input.text()? }))?,
        })
    })?;
    let job = match input.byte()? {
        0 => Job::Describe(input.option(Input::text)?),
        1 => Job::Check,
        2 => Job::Status,
        4 => Job::FindChat { nonce: Secret::new(input.text()?), drop_pending: input.flag()? },
        3 => Job::Send {
            tries: input.list(|input| Ok(Try { gateway: input.text()?, address: input.text()? }))?,
            message: Message {
                code: input.option(|input| Ok(Secret::new(input.text()?)))?,
                lifetime: input.duration()?,
                language: input.text()?,
                copy_label: input.text()?,
                parts: input.list(|input| Ok(Part { topic: topic(input.byte()?)?, text: input.text()? }))?,
            },
        },
        _ => return Err(Malformed),
    };
    input.close()?;
    Ok(Request { job, deadline, proxy, ca, gateways })
}

/// An answer as one frame, length included.
///
/// # Errors
/// Only for its length: beyond [`MAX_ANSWER`].
pub fn encode_answer(answer: &Answer) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    frame(VERSION, MAX_ANSWER, |out| match answer {
        Answer::Drivers(drivers) => {
            out.byte(0);
            out.list(drivers, |out, driver| {
                out.text(&driver.name);
                out.text(&driver.channel);
                out.list(&driver.addresses, |out, form| out.text(form));
                out.list(&driver.fields, |out, field| {
                    out.text(&field.name);
                    out.flag(field.secret);
                    out.flag(field.required);
                    out.text(&field.help);
                });
            });
        }
        Answer::Faults(faults) => {
            out.byte(1);
            out.list(faults, |out, fault| {
                out.text(&fault.gateway);
                out.text(&fault.field);
                out.text(&fault.problem);
            });
        }
        Answer::Status(conditions) => {
            out.byte(2);
            out.list(conditions, |out, condition| {
                out.text(&condition.gateway);
                out.flag(condition.ok);
                out.text(&condition.detail);
                out.text(&condition.mend);
                out.number(condition.took.as_millis());
            });
        }
        Answer::Chat(search) => {
            out.byte(4);
            match search {
                ChatSearch::Found { address, name } => {
                    out.byte(0);
                    out.text(address);
                    out.text(name);
                }
                ChatSearch::NotYet { others } => {
                    out.byte(1);
                    out.number(u128::from(*others));
                }
                ChatSearch::Taken(mend) => {
                    out.byte(2);
                    out.text(mend);
                }
                ChatSearch::Failed { end, detail } => {
                    out.byte(3);
                    write_end(out, *end);
                    out.text(detail);
                }
            }
        }
        Answer::Tries(tries) => {
            out.byte(3);
            out.list(tries, |out, tried| {
                out.text(&tried.gateway);
                write_end(out, tried.end);
                out.text(&tried.detail);
                out.number(tried.took.as_millis());
            });
        }
    })
}

/// Reads the payload of an answer.
///
/// # Errors
/// Anything unexpected, trailing bytes included.
pub fn decode_answer(payload: &[u8]) -> Result<Answer, Malformed> {
    let mut input = Input::open(VERSION, payload)?;
    let answer = match input.byte()? {
        0 => Answer::Drivers(input.list(|input| {
            Ok(Driver {
                name: input.text()?,
                channel: input.text()?,
                addresses: input.list(Input::text)?,
                fields: input.list(|input| {
                    Ok(FieldHelp {
                        name: input.text()?,
                        secret: input.flag()?,
                        required: input.flag()?,
                        help: input.text()?,
                    })
                })?,
            })
        })?),
        1 => Answer::Faults(
            input.list(|input| Ok(Fault { gateway: input.text()?, field: input.text()?, problem: input.text()? }))?,
        ),
        2 => Answer::Status(input.list(|input| {
            Ok(Condition {
                gateway: input.text()?,
                ok: input.flag()?,
                detail: input.text()?,
                mend: input.text()?,
                took: input.duration()?,
            })
        })?),
        4 => Answer::Chat(match input.byte()? {
            0 => ChatSearch::Found { address: input.text()?, name: input.text()? },
            1 => ChatSearch::NotYet { others: u32::try_from(input.duration()?.as_millis()).map_err(|_| Malformed)? },
            2 => ChatSearch::Taken(input.text()?),
            3 => ChatSearch::Failed { end: read_end(&mut input)?, detail: input.text()? },
            _ => return Err(Malformed),
        }),
        3 => Answer::Tries(input.list(|input| {
            Ok(Tried { gateway: input.text()?, end: read_end(input)?, detail: input.text()?, took: input.duration()? })
        })?),
        _ => return Err(Malformed),
    };
    input.close()?;
    Ok(answer)
}

fn write_end(out: &mut Output, end: End) {
    match end {
        End::Delivered => out.byte(0),
        End::Unreachable => out.byte(1),
        End::TryAgain { after } => {
            out.byte(2);
            out.option(after, |out, after| out.number(after.as_millis()));
        }
        End::Unclear => out.byte(3),
        End::Permanent => out.byte(4),
        End::Configuration => out.byte(5),
        End::PassedOver => out.byte(6),
    }
}

fn read_end(input: &mut Input<'_>) -> Result<End, Malformed> {
    Ok(match input.byte()? {
        0 => End::Delivered,
        1 => End::Unreachable,
        2 => End::TryAgain { after: input.option(Input::duration)? },
        3 => End::Unclear,
        4 => End::Permanent,
        5 => End::Configuration,
        6 => End::PassedOver,
        _ => return Err(Malformed),
    })
}

const TOPICS: [Topic; 8] = [
    Topic::Host,
    Topic::Service,
    Topic::User,
    Topic::Origin,
    Topic::Lifetime,
    Topic::Warning,
    Topic::Advice,
    Topic::Notice,
];

fn topic_tag(topic: Topic) -> u8 {
    TOPICS.iter().position(|known| *known == topic).and_then(|tag| u8::try_from(tag).ok()).unwrap_or(u8::MAX)
}

fn topic(tag: u8) -> Result<Topic, Malformed> {
    TOPICS.get(usize::from(tag)).copied().ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            job: Job::Send {
                tries: vec![Try { gateway: "telegram".into(), address: "475721977".into() }],
                message: Message {
                    code: Some("123456".into()),
                    lifetime: Duration::from_secs(300),
                    language: "en".into(),
                    copy_label: "Copy".into(),
                    parts: TOPICS.iter().map(|topic| Part { topic: *topic, text: "日".into() }).collect(),
                },
            },
            deadline: Duration::from_secs(10),
            proxy: String::new(),
            ca: String::new(),
            gateways: vec![Gateway {
                name: "telegram".into(),
                channel: "telegram".into(),
                driver: "telegram-bot".into(),
                insecure: false,
                fields: vec![
                    ("token".into(), Field::Text("1:x".into())),
                    ("port".into(), Field::Integer(-7)),
                    ("flash".into(), Field::Flag(true)),
                ],
                definition: Some(Definition { file: "/etc/herald/providers.d/x.toml".into(), text: "[send]".into() }),
            }],
        }
    }

    #[test]
    fn a_request_arrives_as_it_was_sent() {
        let sent = request();
        let frame = encode_request(&sent).expect("fits");
        let (length, payload) = frame.split_at(4);
        assert_eq!(length, u32::try_from(payload.len()).expect("small").to_be_bytes());
        let got = decode_request(payload).expect("well-formed");
        assert_eq!(format!("{got:?}"), format!("{sent:?}"));
        assert_eq!(got.gateways[0].fields, sent.gateways[0].fields);
    }

    #[test]
    fn rule_5_only_a_complete_answer_is_believed() {
        let sent = Answer::Tries(vec![
            Tried {
                gateway: "a".into(),
                end: End::TryAgain { after: Some(Duration::from_secs(3)) },
                detail: "429".into(),
                took: Duration::from_millis(12),
            },
            Tried { gateway: "b".into(), end: End::Unreachable, detail: "dns".into(), took: Duration::ZERO },
        ]);
        let frame = encode_answer(&sent).expect("fits");
        let payload = &frame[4..];
        assert_eq!(decode_answer(payload), Ok(sent));
        for cut in 0..payload.len() {
            assert_eq!(decode_answer(&payload[..cut]), Err(Malformed), "cut at {cut}");
        }
        let mut longer = payload.to_vec();
        longer.push(0);
        assert_eq!(decode_answer(&longer), Err(Malformed));
        for position in 0..payload.len() {
            let mut bent = payload.to_vec();
            bent[position] ^= 0xff;
            let _ = decode_answer(&bent);
            let _ = decode_request(&bent);
        }
    }

    #[test]
    fn the_search_for_a_chat_arrives_as_it_was_sent() {
        for search in [
            ChatSearch::Found { address: "475721977".into(), name: "Alice".into() },
            ChatSearch::NotYet { others: 100 },
            ChatSearch::Taken("stop it".into()),
            ChatSearch::Failed { end: End::Unreachable, detail: "dns".into() },
        ] {
            let sent = Answer::Chat(search);
            assert_eq!(decode_answer(&encode_answer(&sent).expect("fits")[4..]), Ok(sent));
        }
        let mut sent = request();
        sent.job = Job::FindChat { nonce: "abc".into(), drop_pending: true };
        let got = decode_request(&encode_request(&sent).expect("fits")[4..]).expect("well-formed");
        assert!(matches!(got.job, Job::FindChat { nonce, drop_pending: true } if nonce.expose() == "abc"));
    }

    #[test]
    fn a_frame_beyond_the_limit_is_refused() {
        let mut big = request();
        big.ca = "x".repeat(MAX_REQUEST);
        assert!(encode_request(&big).is_err());
    }
}
