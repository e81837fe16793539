//! Phone numbers as people write them at home, made international once, at enrollment (`default_country`).
//!
//! A number without its country code is some stranger's in another country, so nothing is guessed: what does not look
//! like a number of the configured country is refused with a hint.
//!
//! Source of the table: the national numbering plans that countries give to the ITU (Recommendation ITU-T E.164, national
//! plans by E.129; "Dialling procedures", annex to the ITU Operational Bulletin), as of 2024. A country that is not in it
//! loses nothing but this convenience.

/// Why a number was not made international.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// It is national, and no country is configured.
    NoCountry,
    /// The configured country is not known here.
    UnknownCountry,
    /// It is no number of that country.
    OtherForm,
}

/// One country's numbers.
struct Plan {
    country: &'static str,
    code: &'static str,
    /// What stands before a number that is dialled within the country, and is left out from abroad.
    trunk: &'static str,
    /// Whether people leave that out themselves.
    bare: bool,
    /// How many digits are left then: the fewest and the most.
    digits: (usize, usize),
}

/// The channels whose addresses are phone numbers; a name of digits alone is on none of them anything else.
const PHONES: [&str; 4] = ["sms", "signal", "whatsapp", "voice"];

/// An address for `channel`, with its country code if it is a national number of `country` (ISO 3166, like `JP`, or
/// empty). Everything that is no national number is given back as it is.
///
/// # Errors
/// It is a national number of nobody knows where.
pub(crate) fn international(channel: &str, address: &str, country: &str) -> Result<String, Unclear> {
    let Some(digits) = digits_of(address) else { return Ok(address.to_owned()) };
    // Ids of Telegram's chats are digits too, and begin with no 0.
    let is_phone = PHONES.contains(&channel) || (channel == "telegram" && digits.starts_with('0'));
    if !is_phone {
        return Ok(address.to_owned());
    }
    if country.is_empty() {
        return Err(Unclear::NoCountry);
    }
    let plan = PLANS.iter().find(|plan| plan.country == country).ok_or(Unclear::UnknownCountry)?;
    plan.significant(&digits).map(|rest| format!("+{}{rest}", plan.code)).ok_or(Unclear::OtherForm)
}

/// The digits of what is written with digits only, and the marks that people put between them.
fn digits_of(address: &str) -> Option<String> {
    let text = address.trim();
    let is_mark = |character: char| matches!(character, ' ' | '-' | '.' | '(' | ')' | '/');
    let written = text.chars().all(|character| character.is_ascii_digit() || is_mark(character));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (written && digits.len() >= 4).then_some(digits)
}

impl Plan {
    /// What stands behind the country code.
    fn significant<'d>(&self, digits: &'d str) -> Option<&'d str> {
        let (fewest, most) = self.digits;
        let fits = |rest: &&str| (fewest..=most).contains(&rest.len()) && !rest.is_empty();
        let behind_trunk = Some(self.trunk).filter(|trunk| !trunk.is_empty());
        let behind_trunk = behind_trunk.and_then(|trunk| digits.strip_prefix(trunk)).filter(fits);
        // No number begins with the 0 that people dial first; Italy's do.
        let begins_well = !digits.starts_with('0') || self.trunk.is_empty();
        behind_trunk.or_else(|| Some(digits).filter(|_| self.bare && begins_well).filter(fits))
    }
}

/// With a trunk prefix that is always written.
const fn trunk(country: &'static str, code: &'static str, trunk: &'static str, digits: (usize, usize)) -> Plan {
    Plan { country, code, trunk, bare: false, digits }
}

/// With a trunk prefix that people leave out as they like.
const fn either(country: &'static str, code: &'static str, trunk: &'static str, digits: (usize, usize)) -> Plan {
    Plan { country, code, trunk, bare: true, digits }
}

/// Without a trunk prefix.
const fn plain(country: &'static str, code: &'static str, digits: (usize, usize)) -> Plan {
    Plan { country, code, trunk: "", bare: true, digits }
}

const PLANS: [Plan; 124] = [
    plain("AD", "376", (6, 9)),
    trunk("AE", "971", "0", (8, 9)),
    trunk("AL", "355", "0", (8, 9)),
    trunk("AM", "374", "0", (8, 8)),
    trunk("AT", "43", "0", (4, 13)),
    trunk("AU", "61", "0", (9, 9)),
    trunk("AZ", "994", "0", (9, 9)),
    trunk("BA", "387", "0", (8, 9)),
    trunk("BD", "880", "0", (8, 10)),
    trunk("BE", "32", "0", (8, 9)),
    plain("BF", "226", (8, 8)),
    trunk("BG", "359", "0", (7, 9)),
    plain("BH", "973", (8, 8)),
    plain("BJ", "229", (8, 10)),
    either("BO", "591", "0", (8, 8)),
    either("BR", "55", "0", (10, 11)),
    plain("BW", "267", (7, 8)),
    trunk("BY", "375", "80", (9, 9)),
    either("CA", "1", "1", (10, 10)),
    trunk("CH", "41", "0", (9, 9)),
    plain("CI", "225", (10, 10)),
    plain("CL", "56", (9, 9)),
    plain("CM", "237", (9, 9)),
    either("CN", "86", "0", (10, 11)),
    plain("CO", "57", (10, 10)),
    plain("CR", "506", (8, 8)),
    plain("CY", "357", (8, 8)),
    plain("CZ", "420", (9, 9)),
    trunk("DE", "49", "0", (5, 13)),
    plain("DK", "45", (8, 8)),
    either("DO", "1", "1", (10, 10)),
    trunk("DZ", "213", "0", (8, 9)),
    trunk("EC", "593", "0", (8, 9)),
    plain("EE", "372", (7, 8)),
    trunk("EG", "20", "0", (8, 10)),
    plain("ES", "34", (9, 9)),
    trunk("ET", "251", "0", (9, 9)),
    trunk("FI", "358", "0", (5, 12)),
    trunk("FR", "33", "0", (9, 9)),
    trunk("GB", "44", "0", (9, 10)),
    trunk("GE", "995", "0", (9, 9)),
    trunk("GH", "233", "0", (9, 9)),
    plain("GR", "30", (10, 10)),
    plain("GT", "502", (8, 8)),
    plain("HK", "852", (8, 8)),
    plain("HN", "504", (8, 8)),
    trunk("HR", "385", "0", (8, 9)),
    trunk("HU", "36", "06", (8, 9)),
    trunk("ID", "62", "0", (7, 12)),
    trunk("IE", "353", "0", (7, 9)),
    trunk("IL", "972", "0", (8, 9)),
    either("IN", "91", "0", (10, 10)),
    trunk("IQ", "964", "0", (8, 10)),
    trunk("IR", "98", "0", (10, 10)),
    plain("IS", "354", (7, 7)),
    plain("IT", "39", (6, 11)),
    either("JM", "1", "1", (10, 10)),
    trunk("JO", "962", "0", (8, 9)),
    trunk("JP", "81", "0", (9, 10)),
    trunk("KE", "254", "0", (9, 9)),
    trunk("KG", "996", "0", (9, 9)),
    trunk("KH", "855", "0", (8, 9)),
    trunk("KR", "82", "0", (8, 10)),
    plain("KW", "965", (8, 8)),
    trunk("KZ", "7", "8", (10, 10)),
    trunk("LA", "856", "0", (8, 10)),
    either("LB", "961", "0", (7, 8)),
    plain("LI", "423", (7, 7)),
    trunk("LK", "94", "0", (9, 9)),
    trunk("LT", "370", "0", (8, 8)),
    plain("LU", "352", (6, 11)),
    plain("LV", "371", (8, 8)),
    trunk("LY", "218", "0", (9, 9)),
    trunk("MA", "212", "0", (9, 9)),
    plain("MC", "377", (8, 9)),
    trunk("MD", "373", "0", (8, 8)),
    trunk("ME", "382", "0", (8, 8)),
    trunk("MK", "389", "0", (8, 8)),
    plain("ML", "223", (8, 8)),
    trunk("MM", "95", "0", (7, 10)),
    plain("MO", "853", (8, 8)),
    plain("MT", "356", (8, 8)),
    plain("MU", "230", (7, 8)),
    plain("MX", "52", (10, 10)),
    trunk("MY", "60", "0", (8, 10)),
    trunk("NA", "264", "0", (8, 9)),
    plain("NE", "227", (8, 8)),
    trunk("NG", "234", "0", (8, 10)),
    plain("NI", "505", (8, 8)),
    trunk("NL", "31", "0", (9, 9)),
    plain("NO", "47", (8, 8)),
    either("NP", "977", "0", (8, 10)),
    trunk("NZ", "64", "0", (8, 10)),
    plain("OM", "968", (8, 8)),
    plain("PA", "507", (7, 8)),
    either("PE", "51", "0", (8, 9)),
    trunk("PH", "63", "0", (8, 10)),
    trunk("PK", "92", "0", (9, 10)),
    plain("PL", "48", (9, 9)),
    either("PR", "1", "1", (10, 10)),
    plain("PT", "351", (9, 9)),
    plain("QA", "974", (8, 8)),
    trunk("RO", "40", "0", (9, 9)),
    trunk("RS", "381", "0", (8, 9)),
    trunk("RU", "7", "8", (10, 10)),
    trunk("SA", "966", "0", (9, 9)),
    trunk("SE", "46", "0", (7, 9)),
    plain("SG", "65", (8, 8)),
    trunk("SI", "386", "0", (8, 8)),
    trunk("SK", "421", "0", (9, 9)),
    plain("SN", "221", (9, 9)),
    plain("SV", "503", (8, 8)),
    trunk("TH", "66", "0", (8, 9)),
    plain("TN", "216", (8, 8)),
    trunk("TR", "90", "0", (10, 10)),
    trunk("TW", "886", "0", (8, 9)),
    trunk("TZ", "255", "0", (9, 9)),
    trunk("UA", "380", "0", (9, 9)),
    trunk("UG", "256", "0", (9, 9)),
    either("US", "1", "1", (10, 10)),
    trunk("UY", "598", "0", (8, 8)),
    trunk("VE", "58", "0", (10, 10)),
    trunk("VN", "84", "0", (9, 10)),
    trunk("ZA", "27", "0", (9, 9)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_numbers_get_their_country_code() {
        for (country, written, stored) in [
            ("JP", "090-1234-5678", "+819012345678"),
            ("JP", "03 1234 5678", "+81312345678"),
            ("DE", "(0151) 1234-5678", "+4915112345678"),
            ("GB", "07700 900123", "+447700900123"),
            ("FR", "06.12.34.56.78", "+33612345678"),
            ("US", "(202) 555-0123", "+12025550123"),
            ("US", "1-202-555-0123", "+12025550123"),
            ("IT", "06 1234 5678", "+390612345678"),
            ("IT", "312 345 6789", "+393123456789"),
            ("ES", "612 34 56 78", "+34612345678"),
            ("HU", "06 20 123 4567", "+36201234567"),
            ("RU", "8 (912) 345-67-89", "+79123456789"),
            ("BY", "8 (029) 123-45-67", "+375291234567"),
            ("LB", "03 123 456", "+9613123456"),
            ("LB", "70 123 456", "+96170123456"),
            ("BR", "(11) 91234-5678", "+5511912345678"),
            ("BR", "011 91234-5678", "+5511912345678"),
            ("CN", "138 0013 8000", "+8613800138000"),
            ("IN", "098765 43210", "+919876543210"),
        ] {
            assert_eq!(international("sms", written, country).as_deref(), Ok(stored), "{country} {written}");
        }
    }

    #[test]
    fn what_is_no_national_number_is_left_alone() {
        for (channel, address) in [
            ("sms", "+49 151 12345678"),
            ("sms", "hello"),
            ("signal", "alice.01"),
            ("signal", "123e4567-e89b-12d3-a456-426614174000"),
            ("email", "0815@example.org"),
            ("telegram", "475721977"),
            ("pager", "0815"),
        ] {
            for country in ["", "JP", "ZZ"] {
                assert_eq!(international(channel, address, country).as_deref(), Ok(address), "{channel} {address}");
            }
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for (country, written, unclear) in [
            ("", "090-1234-5678", Unclear::NoCountry),
            ("", "819012345678", Unclear::NoCountry),
            ("ZZ", "090-1234-5678", Unclear::UnknownCountry),
            // Without the 0 it may as well be an international number without its +.
            ("JP", "9012345678", Unclear::OtherForm),
            ("JP", "819012345678", Unclear::OtherForm),
            ("DE", "0049 151 12345678", Unclear::OtherForm),
            ("DK", "4532123456", Unclear::OtherForm),
            ("FR", "06 12 34", Unclear::OtherForm),
            ("US", "555-0123", Unclear::OtherForm),
            ("BR", "0055 11 91234-5678", Unclear::OtherForm),
        ] {
            assert_eq!(international("sms", written, country), Err(unclear), "{country} {written}");
        }
        assert_eq!(international("telegram", "090-1234-5678", ""), Err(Unclear::NoCountry));
    }

    #[test]
    fn the_table_is_in_order_and_makes_numbers_that_can_be() {
        assert!(PLANS.is_sorted_by_key(|plan| plan.country));
        for plan in &PLANS {
            let (fewest, most) = plan.digits;
            assert!(
                fewest <= most && plan.code.len() + most <= 15 && plan.code.len() + fewest >= 6,
                "{}",
                plan.country
            );
            assert!(plan.bare || !plan.trunk.is_empty(), "{}", plan.country);
        }
        let mut countries: Vec<&str> = PLANS.iter().map(|plan| plan.country).collect();
        countries.dedup();
        assert_eq!(countries.len(), PLANS.len());
    }
}
