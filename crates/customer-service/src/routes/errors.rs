//! Where a broken rule meets an HTTP status.

use crate::domain::address_book::BookError;
use crate::domain::password_rule::CommonPassword;
use crate::domain::registration::PasswordMissing;
use crate::passwords::PasswordError;
use crate::store::throttle::Throttled;
use crate::workflows::change_account::ChangeError;
use crate::workflows::change_password::PasswordChangeError;
use crate::workflows::check_password::CheckError;
use crate::workflows::create_api_key::CreateApiKeyError;
use crate::workflows::erase_customer::EraseError;
use crate::workflows::export_customer::ExportError;
use crate::workflows::invite_staff::InviteError;
use crate::workflows::keep_addresses::AddressError;
use crate::workflows::log_in::LogInError;
use crate::workflows::read_audit_trail::TrailError;
use crate::workflows::refresh_session::RefreshError;
use crate::workflows::register_customer::RegisterError;
use common::error::{ApiError, Kind};

impl From<PasswordMissing> for ApiError {
    fn from(_: PasswordMissing) -> Self {
        Self::invalid_field("/password", "missing_field", "must be given")
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::overloaded().code("too_busy"),
            PasswordError::Failed(cause) => Self::internal(cause),
        }
    }
}

impl From<Throttled> for ApiError {
    fn from(throttled: Throttled) -> Self {
        Self::new(Kind::TooManyRequests, "Too many requests of this kind. Wait before the next one.")
            .retry_after(throttled.retry_after_s)
    }
}

impl From<CheckError> for ApiError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Throttled(throttled) => throttled.into(),
            CheckError::Password(error) => error.into(),
        }
    }
}

impl From<LogInError> for ApiError {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => {
                Self::unauthenticated("The e-mail address or the password is wrong.")
                    .code("invalid_credentials")
            }
            LogInError::Throttled(throttled) => throttled.into(),
            LogInError::Check(error) => error.into(),
            LogInError::Store(error) => error.into(),
            LogInError::Token(cause) => Self::internal(cause),
        }
    }
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid => {
                Self::unauthenticated("The refresh token is not good. Log in.").code("invalid_refresh_token")
            }
            RefreshError::Contended => Self::unavailable(),
            RefreshError::Store(error) => error.into(),
            RefreshError::Token(cause) => Self::internal(cause),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailTaken => email_taken(),
            RegisterError::KeyReused => key_reused(),
            RegisterError::Common(error) => common_password("/password", &error),
            RegisterError::Throttled(throttled) => throttled.into(),
            RegisterError::Check(error) => error.into(),
            RegisterError::Password(error) => error.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => Self::not_found("customer"),
            ChangeError::Forbidden => Self::forbidden(),
            ChangeError::Stale { version } => Self::version_mismatch(version),
            ChangeError::EmailTaken => email_taken(),
            ChangeError::LastAdmin => {
                Self::new(Kind::Conflict, "The last active administrator must stay one.").code("last_admin")
            }
            ChangeError::Erased => {
                Self::new(Kind::Conflict, "The customer was erased.").code("customer_erased")
            }
            ChangeError::Contended => Self::unavailable(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NotFound => Self::not_found("customer"),
            ExportError::Store(error) => error.into(),
            ExportError::Peer(error) => error.into(),
        }
    }
}

impl From<TrailError> for ApiError {
    fn from(error: TrailError) -> Self {
        match error {
            TrailError::Store(error) => error.into(),
            TrailError::Peer(error) => error.into(),
        }
    }
}

impl From<EraseError> for ApiError {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::PasswordMissing => Self::invalid_field("/currentPassword", "missing_field", &error),
            EraseError::WrongPassword => Self::invalid_field("/currentPassword", "wrong_password", &error),
            EraseError::Check(error) => error.into(),
            EraseError::Change(error) => error.into(),
            EraseError::Store(error) => error.into(),
        }
    }
}

impl From<AddressError> for ApiError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Book(BookError::NotFound) => Self::not_found("address"),
            AddressError::Book(BookError::KeyReused) => key_reused(),
            AddressError::Book(rule @ BookError::Full) => {
                Self::new(Kind::Conflict, format!("{rule}: remove one first.")).code("too_many_addresses")
            }
            AddressError::Book(rule @ BookError::DefaultNeeded { field }) => {
                Self::invalid_field(format!("/{field}"), "default_needed", rule)
            }
            AddressError::Change(error) => error.into(),
        }
    }
}

/// The error of a call whose body has the new password at `pointer`.
pub(super) fn password_change(error: PasswordChangeError, pointer: &str) -> ApiError {
    match error {
        PasswordChangeError::WrongPassword => {
            ApiError::invalid_field("/currentPassword", "wrong_password", &error)
        }
        PasswordChangeError::Common(error) => common_password(pointer, &error),
        PasswordChangeError::InvalidToken => ApiError::invalid_field("/token", "invalid_token", &error),
        PasswordChangeError::Throttled(throttled) => throttled.into(),
        PasswordChangeError::Busy(_) => ApiError::unavailable().code("too_busy"),
        PasswordChangeError::Check(error) => error.into(),
        PasswordChangeError::Password(error) => error.into(),
        PasswordChangeError::Change(error) => error.into(),
        PasswordChangeError::Store(error) => error.into(),
    }
}

fn common_password(pointer: &str, error: &CommonPassword) -> ApiError {
    ApiError::invalid_field(pointer, "common_password", error)
}

fn key_reused() -> ApiError {
    ApiError::new(Kind::Unprocessable, "The idempotency key was used for another request.")
        .code("idempotency_key_reused")
}

impl From<CreateApiKeyError> for ApiError {
    fn from(error: CreateApiKeyError) -> Self {
        match error {
            CreateApiKeyError::AlreadyShown(id) => {
                let detail = "An earlier request with this Idempotency-Key made the key, and a key is shown once. \
                              Revoke it and make another one under another Idempotency-Key.";
                Self::new(Kind::Conflict, detail).code("key_already_shown").with("apiKeyId", id.to_string())
            }
            CreateApiKeyError::NoSecret(cause) => Self::internal(cause),
            CreateApiKeyError::Store(error) => error.into(),
        }
    }
}

impl From<InviteError> for ApiError {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::EmailTaken => email_taken(),
            InviteError::Store(error) => error.into(),
        }
    }
}

fn email_taken() -> ApiError {
    ApiError::new(Kind::Conflict, "Another account has this e-mail address.").code("email_taken")
}
