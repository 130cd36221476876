//! Determines what a refusal means, independent of status and wording: by structured names first, then by hints that must
//! occur together.

use super::adapt::CAP_NAMES;
use super::length;
use super::problem::Problem;
use super::words::{Hints, UNSUPPORTED, Words, normal};
use crate::model::failure::Remedy;

/// A refusal that applies to all requests until a person acts.
struct Row {
    /// Structured names (`error.code`, `error.type`) that say so alone; a name that ends in one counts as well.
    names: Hints,
    /// Hints that are enough together: one of each group.
    subject: Hints,
    complaint: Hints,
    hint: &'static str,
}

const CREDIT: &str = "add credit or raise the spending limit at the provider";
const KEY: &str = "check the key that [openai] api_key_env or api_key_file names";
const PLACE: &str = "check [openai] base_url, which usually ends in /v1, and model";
const MODEL: &str = "check [openai] model: the endpoint does not serve it, or has not loaded it";
const FORBIDDEN: &str = "if other requests succeed, the provider refuses this text; else check that this key may use \
                         this model, and that the provider serves this country";
const USELESS: &str = "the provider says that a retry is useless: see its page on usage and limits";
const LONG: &str = "it is longer than the model reads: use a model with a larger context, or lower [files] max_bytes";
const REDIRECTED: &str = "set [openai] base_url to the address that it points to";
const DAILY: &str =
    "the provider's daily quota is used up: wait for its renewal, or raise it at the provider";

const MONEY: Row = Row {
    names: &[
        "insufficient_quota",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_funds",
        "insufficient_credits",
        "insufficient_user_quota",
        "balance_insufficient",
        "credit_balance_exhausted",
        "credit_balance_too_low",
        "budget_exceeded",
        "usage_limit_exceeded",
        "spend_limit_exceeded",
        "spending_limit_exceeded",
        "billing_hard_limit_reached",
        "billing_not_active",
        "billing_error",
        "payment_required",
        "quota_exhausted",
        "arrearage",
        "account_overdue",
        "1113",
        "1008",
        "1112",
        "credits_exhausted",
        "quota_exceeded",
        "out_of_credits",
    ],
    subject: &[
        "credit",
        "balance",
        "billing",
        "payment",
        "budget",
        "spend",
        "funds",
        "arrear",
        "recharge",
        "top up",
        "top-up",
        "prepay",
        "prepaid",
        "overdue",
        "subscription",
        "wallet",
        "account is in good standing",
        "current quota",
        "余额",
        "欠费",
        "充值",
        "套餐",
        "额度",
        "monthly",
        "per month",
        "free tier",
        "free trial",
        "trial ",
        "paid plan",
        "guthaben",
        "kontostand",
        "solde",
        "saldo",
        "баланс",
        "средств",
        "残高",
        "잔액",
        "クレジット",
        "크레딧",
    ],
    complaint: &[
        "insufficient",
        "exceeded",
        "too low",
        "exhausted",
        "exceed",
        "ran out",
        "run out",
        "not enough",
        "depleted",
        "used up",
        "hard limit",
        "past due",
        "overdue",
        "required",
        "suspended",
        "negative",
        "empty",
        "zero",
        "no credit",
        "out of credit",
        "inactive",
        "not active",
        "check your plan",
        "recharge",
        "top up",
        "top-up",
        "good standing",
        "purchase",
        "upgrade",
        "deactivated",
        "不足",
        "欠费",
        "用完",
        "充值",
        "用尽",
        "enough",
        "reached",
        "payment method",
        "not enabled",
        "disabled",
        "crossed",
        "more credit",
        "afford",
        "no remaining",
        "no more",
        "none left",
        "expired",
        "subscribe",
        "上限",
        "達到",
        "达到",
        "aufgebraucht",
        "nicht ausreichend",
        "insuffisant",
        "insuficiente",
        "недостаточно",
        "부족",
    ],
    hint: CREDIT,
};

const CREDENTIALS: Row = Row {
    names: &[
        "invalid_api_key",
        "api_key_invalid",
        "incorrect_api_key",
        "missing_api_key",
        "authentication_error",
        "invalid_authentication_error",
        "auth_error",
        "invalid_authentication",
        "unauthenticated",
        "unauthorized",
        "invalid_token",
        "token_expired",
        "access_denied_api_key",
        "1004",
    ],
    subject: &[
        "api key",
        "api-key",
        "apikey",
        "api_key",
        "access key",
        "secret key",
        "access token",
        "auth token",
        "bearer",
        "credential",
        "authentication",
        "authorization",
        "authenticat",
        "unauthorized",
        "virtual key",
        "密钥",
        "令牌",
        "鉴权",
        "身份验证",
        "认证",
        "log in",
        "logged in",
        "login",
        "sign in",
        "username",
        "not authenticated",
        "api-schlüssel",
        "clé api",
        "clave api",
        "clave de api",
        "chave de api",
        "api-ключ",
        "ключ api",
        "apiキー",
        "api키",
        "api 키",
    ],
    complaint: &[
        "invalid",
        "incorrect",
        "not valid",
        "n't valid",
        "wrong",
        "missing",
        "expired",
        "revoked",
        "malformed",
        "required",
        "provide",
        "fail",
        "denied",
        "not found",
        "unknown",
        "disabled",
        "no api",
        "no valid",
        "unauthorized",
        "not recognized",
        "rejected",
        "bad ",
        "n't provide",
        "does not exist",
        "illegal",
        "无效",
        "错误",
        "过期",
        "不正确",
        "失败",
        "缺少",
        "leaked",
        "compromised",
        "expected",
        "not auth",
        "no auth",
        "not logged",
        "please log",
        "please sign",
        "ungültig",
        "falsch",
        "fehlt",
        "invalide",
        "inválid",
        "недействит",
        "неверн",
        "無効",
        "正しくありません",
        "유효하지",
        "잘못",
    ],
    hint: KEY,
};

const ACCOUNT: Row = Row {
    names: &[
        "account_deactivated",
        "account_suspended",
        "account_disabled",
        "organization_restricted",
    ],
    subject: &[
        "account",
        "organization",
        "organisation",
        "project",
        "team",
        "账户",
        "账号",
    ],
    complaint: &[
        "suspended",
        "deactivated",
        "disabled",
        "blocked",
        "restricted",
        "banned",
        "closed",
        "terminated",
        "冻结",
        "封禁",
    ],
    hint: "contact the provider about the state of this account",
};

const UNKNOWN_MODEL: Row = Row {
    names: &[
        "model_not_found",
        "invalid_model",
        "model_not_supported",
        "unknown_model",
        "model_not_available",
        "model_not_exist",
        "no_such_model",
        "unsupported_model",
        "deployment_not_found",
        "model_not_loaded",
        "1211",
        "model_not_open",
        "model_not_activated",
        "model_not_ready",
    ],
    subject: &[
        "model",
        "deployment",
        "support chat",
        "endpoints found for",
        "modèle",
        "модел",
        "モデル",
        "모델",
        "模型",
    ],
    complaint: &[
        "not found",
        "does not exist",
        "doesn't exist",
        "not exist",
        "unknown model",
        "invalid model",
        "not a valid",
        "no such",
        "no model",
        "not loaded",
        "not available",
        "unavailable model",
        "not support chat",
        "n't support chat",
        "not a chat model",
        "not served",
        "not deployed",
        "decommissioned",
        "no longer available",
        "no access",
        "not have access",
        "have access to",
        "could not find",
        "couldn't find",
        "failed to find",
        "not recognized",
        "unrecognized model",
        "不存在",
        "未找到",
        "no endpoints found for",
        "no healthy deployment",
        "retired",
        "discontinued",
        "sunset",
        "unable to load",
        "failed to load",
        "could not load",
        "pull the model",
        "not supported model",
        "unsupported model",
        "nicht gefunden",
        "n'existe pas",
        "n’existe pas",
        "no existe",
        "não encontr",
        "не найден",
        "見つかりません",
        "존재하지",
        "찾을 수 없",
    ],
    hint: MODEL,
};

const PARAMETER: Row = Row {
    names: &["unsupported_parameter", "unknown_parameter"],
    subject: &[],
    complaint: &[],
    hint: "check [openai] model and base_url: the endpoint does not accept requests of this form",
};

/// In order: the first match decides.
const FOR_EVERYBODY: [&Row; 5] = [&MONEY, &CREDENTIALS, &ACCOUNT, &UNKNOWN_MODEL, &PARAMETER];

/// A limit that is renewed within minutes, not an empty account.
const RENEWED_SOON: Hints = &[
    "per minute",
    "per min",
    "perminute",
    "per second",
    "persecond",
    "rpm",
    "tpm",
    "per hour",
    "perhour",
];
/// A limit that is renewed on the next day.
const RENEWED_DAILY: Hints = &[
    "per day", "perday", "daily", "per-day", "rpd", "tpd", "今日", "每日",
];
const MODERATION: Hints = &[
    "moderation",
    "flagged",
    "content policy",
    "content filter",
    "content management policy",
    "content_filter",
    "safety system",
    "safety policy",
    "responsible ai",
    "sensitive",
    "inappropriate",
    "敏感",
    "usage polic",
    "violates",
    "violation of",
    "content polic",
];

/// What to do about a refusal, and how a person repairs the cause.
pub(super) fn remedy(problem: &Problem, status: u16) -> (Remedy, Option<&'static str>) {
    let (remedy, hint) = advice(problem, status);
    match (remedy, problem.should_retry) {
        (Remedy::Throttled, Some(false)) => (Remedy::Fatal, Some(USELESS)),
        (Remedy::Retry, Some(false)) => (Remedy::RetryLater, hint),
        (Remedy::Permanent | Remedy::Rejected, Some(true))
            if !length::is_too_long(problem, status) =>
        {
            (Remedy::Retry, hint)
        }
        _ => (remedy, hint),
    }
}

fn advice(problem: &Problem, status: u16) -> (Remedy, Option<&'static str>) {
    let about = Subject::of(problem);
    let fatal = |row: &Row| (Remedy::Fatal, Some(row.hint));
    match status {
        300..=399 => return (Remedy::Fatal, Some(REDIRECTED)),
        402 => return fatal(&MONEY),
        401 => return fatal(&CREDENTIALS),
        404 | 405 => return (Remedy::Fatal, Some(PLACE)),
        429 => return throttled(problem, &about),
        503 | 529 => return (Remedy::Throttled, None),
        _ => {}
    }
    if about.named(&["overloaded_error", "server_is_overloaded", "overloaded"]) {
        return (Remedy::Throttled, None);
    }
    if about.is_moderation() {
        return (Remedy::Permanent, None);
    }
    if matches!(status, 408 | 409 | 425 | 500..=599) {
        let row = FOR_EVERYBODY.iter().find(|row| about.fits(row));
        return match (length::is_too_long(problem, status), row) {
            (true, _) => (Remedy::Permanent, Some(LONG)),
            // Ollama and proxies report a missing model so; one internal error alone proves nothing.
            (false, Some(row)) if status == 500 => (Remedy::Rejected, Some(row.hint)),
            _ => (Remedy::Retry, None),
        };
    }
    if let Some(row) = FOR_EVERYBODY.iter().find(|row| about.fits(row)) {
        return fatal(row);
    }
    if about.refuses_model() {
        return fatal(&UNKNOWN_MODEL);
    }
    // Fields that each request needs.
    let needed = problem.parameter == "stream" || CAP_NAMES.contains(&problem.parameter.as_str());
    if needed && about.words.any(UNSUPPORTED) {
        return fatal(&PARAMETER);
    }
    match status {
        403 => (Remedy::Forbidden, Some(FORBIDDEN)),
        _ if length::is_too_long(problem, status) => (Remedy::Permanent, Some(LONG)),
        _ if about
            .words
            .any(&["rate limit", "too many requests", "请求过于频繁"]) =>
        {
            (Remedy::Throttled, None)
        }
        _ => (Remedy::Rejected, None),
    }
}

/// Too many requests, too many tokens at once, or no money: all of them come as 429.
fn throttled(problem: &Problem, about: &Subject) -> (Remedy, Option<&'static str>) {
    if length::is_too_long(problem, 429) {
        return (Remedy::Permanent, Some(LONG));
    }
    if about.words.any(RENEWED_DAILY) && problem.pause_ms.is_none() {
        return (Remedy::Fatal, Some(DAILY));
    }
    let soon =
        about.words.any(RENEWED_SOON) || problem.pause_ms.is_some() && !about.named(MONEY.names);
    match about.fits(&MONEY) && !soon {
        true => (Remedy::Fatal, Some(CREDIT)),
        false => (Remedy::Throttled, None),
    }
}

/// Whether an error with status 200 and without a code can be attributed to the request or the account.
pub(super) fn is_decisive(problem: &Problem) -> bool {
    let about = Subject::of(problem);
    about.is_moderation()
        || FOR_EVERYBODY.iter().any(|row| about.fits(row))
        || length::is_too_long(problem, 200)
}

/// Whether it says that there were too many requests.
pub(super) fn is_rate(problem: &Problem) -> bool {
    let about = Subject::of(problem);
    about.named(&[
        "rate_limit",
        "rate_limit_exceeded",
        "rate_limit_error",
        "too_many_requests",
        "throttling_error",
        "1302",
        "1303",
        "1305",
    ]) || problem.code.contains("rate_limit")
        || problem.kind.contains("rate_limit")
        || about.words.any(&["rate limit", "too many requests"])
}

/// What a refusal is about.
struct Subject {
    names: [String; 2],
    words: Words,
}

impl Subject {
    fn of(problem: &Problem) -> Self {
        Self {
            names: [normal(&problem.code), normal(&problem.kind)],
            // A validator names the missing field or header outside of its text.
            words: Words::of(&format!("{} {}", problem.message, problem.parameter)),
        }
    }

    fn named(&self, names: Hints) -> bool {
        self.names.iter().any(|own| {
            let bare = ["_error", "_exception"]
                .iter()
                .find_map(|suffix| own.strip_suffix(suffix));
            names.iter().any(|name| {
                own == name
                    || bare == Some(name)
                    || own.ends_with(name) && own[..own.len() - name.len()].ends_with('_')
            })
        })
    }

    fn fits(&self, row: &Row) -> bool {
        self.named(row.names) || self.words.all(&[row.subject, row.complaint])
    }

    /// "Model x is not supported", and not "response_format is not supported by this model".
    fn refuses_model(&self) -> bool {
        let text = self.words.as_str();
        let about_model = match (text.find("model"), text.find("not supported")) {
            (Some(subject), Some(complaint)) => subject < complaint,
            _ => false,
        };
        about_model
            && !self.words.any(&[
                "parameter",
                "role",
                "value",
                "format",
                "field",
                "argument",
                "message",
                "with ",
                "for model",
                "for this model",
                "does not",
            ])
    }

    fn is_moderation(&self) -> bool {
        self.words.any(MODERATION)
            || self.names.iter().any(|name| name.starts_with("content_"))
            || self.named(&["data_inspection_failed", "1301"])
    }
}
