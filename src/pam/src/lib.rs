//! pam_herald.so: the FFI edge. Nothing is decided here.
//!
//! A hook copies what the host says out of the PAM handle, lets `herald_core::login` run the login, and translates
//! its verdict into a PAM code by one table. `edge` is all of that; this file only names the decision, and where it
//! falls: here, or with the broker.
#![allow(missing_docs, reason = "the six hooks are written by pam_hooks!; nothing else is public")]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions
    )
)]

mod edge;

use herald_core::login::{self, shapes_behind};
use herald_sys::{System, broker};
use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};
use std::ffi::CStr;

struct Herald;

pam::pam_hooks!(Herald);

impl PamHooks for Herald {
    fn sm_authenticate(pamh: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        edge::authenticate(
            pamh,
            &arguments,
            flags,
            |attempt, audit| match broker::is_needed(&attempt.service) {
                true => broker::shapes_behind(attempt, audit),
                false => shapes_behind(&System, attempt, audit),
            },
            |attempt, conversation, audit| match broker::is_needed(&attempt.service) {
                true => broker::authenticate(attempt, conversation, audit),
                false => login::authenticate(&System, attempt, conversation, audit),
            },
        )
    }

    fn sm_setcred(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::set_credentials(pamh)
    }

    fn acct_mgmt(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }

    fn sm_open_session(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }

    fn sm_close_session(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }

    fn sm_chauthtok(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }
}
