//! Mail to customers: through an SMTP server where one is set, else one line in the log that says that none is.

use crate::config::MailSettings;
use crate::domain::mail_token::{MailToken, Purpose};
use anyhow::{Context as _, ensure};
use common::config::Environment;
use common::ids::CustomerId;
use common::text::Email;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use std::time::Duration;

/// Sends letters.
pub struct Mailer {
    smtp: Option<Smtp>,
    link_base: String,
    /// Whether a log may hold the link of a letter that was not sent: only on a developer's machine.
    reveals_links: bool,
}

struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    pub fn new(settings: &MailSettings, environment: Environment) -> anyhow::Result<Self> {
        let url = settings.smtp_url.expose_secret();
        let link_base = settings.link_base.trim_end_matches('/').to_owned();
        let is_link = link_base.starts_with("https://") || link_base.starts_with("http://");
        ensure!(is_link, "mail.link_base must begin with https:// or http://");
        let smtp = if url.is_empty() {
            None
        } else {
            let timeout = Duration::from_millis(settings.timeout_ms);
            let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).context("mail.smtp_url")?;
            let from = settings
                .from
                .parse()
                .context("mail.from must be an address such as Shop <shop@example.org>")?;
            Some(Smtp { transport: transport.timeout(Some(timeout)).build(), from })
        };
        Ok(Self { smtp, link_base, reveals_links: environment == Environment::Development })
    }

    /// Sends the letter that goes with a token. What fails is told to the log, and never to whoever asked for it: the
    /// answer must not depend on whether the address is known.
    pub async fn send(&self, customer_id: CustomerId, to: &Email, purpose: Purpose, token: &MailToken) {
        let link = self.link(purpose, token);
        let Some(smtp) = &self.smtp else {
            let link = self.reveals_links.then_some(link.as_str());
            tracing::info!(
                %customer_id,
                purpose = purpose.name(),
                link,
                "mail not sent: no SMTP server is configured (mail.smtp_url)"
            );
            return;
        };
        match smtp.send(to, purpose, &link).await {
            Ok(()) => tracing::info!(%customer_id, purpose = purpose.name(), "mail sent"),
            Err(cause) => {
                tracing::error!(%customer_id, purpose = purpose.name(), %cause, "mail not sent: the SMTP server refused");
            }
        }
    }

    /// The token stands behind the `#`, which browsers send to nobody and servers write into no log.
    fn link(&self, purpose: Purpose, token: &MailToken) -> String {
        let page = match purpose {
            Purpose::VerifyEmail => "verify-email",
            Purpose::ResetPassword => "reset-password",
            Purpose::AcceptInvitation => "accept-invitation",
        };
        format!("{}/{page}#token={}", self.link_base, token.reveal())
    }
}

impl Smtp {
    /// A failure is told without the address: a server's answer may repeat it.
    async fn send(&self, to: &Email, purpose: Purpose, link: &str) -> Result<(), String> {
        let (subject, text) = letter(purpose, link);
        let to = to.as_str().parse().map_err(|_| "the address is not one that a mail can be sent to")?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|_| "the letter cannot be written")?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(match failure.status() {
                Some(code) => format!("status {code}"),
                None if failure.is_timeout() => "no answer in time".to_owned(),
                None => "no connection".to_owned(),
            }),
        }
    }
}

fn letter(purpose: Purpose, link: &str) -> (&'static str, String) {
    match purpose {
        Purpose::AcceptInvitation => (
            "You are invited to work in our shop",
            format!(
                "An administrator made an account for you. Choose its password by opening this link within a week:\n\n\
                 {link}\n\nThe link works once. If you did not expect it, you need not do anything.\n"
            ),
        ),
        Purpose::VerifyEmail => (
            "Please confirm your e-mail address",
            format!(
                "Please confirm that this address is yours by opening this link within 24 hours:\n\n{link}\n\nIf you did \
                 not ask for it, you need not do anything.\n"
            ),
        ),
        Purpose::ResetPassword => (
            "Choose a new password",
            format!(
                "Choose a new password by opening this link within 30 minutes:\n\n{link}\n\nThe link works once. If you \
                 did not ask for it, you need not do anything: your password stays as it is.\n"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn mailer(change: impl FnOnce(&mut MailSettings), environment: Environment) -> anyhow::Result<Mailer> {
        let mut settings = Settings::defaults().unwrap().mail;
        change(&mut settings);
        Mailer::new(&settings, environment)
    }

    #[test]
    fn a_link_holds_its_token_behind_the_hash_mark() {
        let mailer =
            mailer(|mail| mail.link_base = "https://shop.example/".into(), Environment::Production).unwrap();
        let token = MailToken::from_random([1; 32]);
        let link = mailer.link(Purpose::ResetPassword, &token);
        assert_eq!(link, format!("https://shop.example/reset-password#token={}", token.reveal()));
        assert!(!mailer.reveals_links);
    }

    #[tokio::test]
    async fn settings_that_can_send_nothing_are_refused_by_name() {
        type Change = fn(&mut MailSettings);
        let changes: [(Change, &str); 3] = [
            (|mail| mail.link_base = "shop.example".into(), "mail.link_base"),
            (|mail| mail.smtp_url = "nonsense".into(), "mail.smtp_url"),
            (
                |mail| {
                    mail.smtp_url = "smtp://127.0.0.1:25".into();
                    mail.from = "nobody".into();
                },
                "mail.from",
            ),
        ];
        for (change, name) in changes {
            let refusal = format!("{:#}", mailer(change, Environment::Development).err().unwrap());
            assert!(refusal.contains(name), "{refusal}");
        }
    }
}
