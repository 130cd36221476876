//! Recognizes an endpoint that truncates a prompt silently: it reports fewer input tokens than the prompt can have.
//!
//! Mock servers report a constant (10, 0), which proves nothing. Evidence is a plausible count below the result of any
//! tokenizer, or far below what this endpoint counted for other prompts.

use super::Prompt;

/// Counts below this are a mock's constant; no model's window is that small.
const SMALLEST_COUNT: u64 = 256;
/// Counts that have to agree with their prompts before an endpoint is known to count truthfully.
const AGREEING: u32 = 2;

/// How long a prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    /// Bytes of all messages.
    bytes: u64,
    /// Words in the user's message, which no tokenizer joins: each is a token at least.
    words: u64,
}

impl Length {
    pub fn of(prompt: &Prompt) -> Self {
        let mut words = 0;
        let mut in_word = false;
        for byte in prompt.user.bytes() {
            let is_word = byte.is_ascii_alphanumeric();
            words += u64::from(is_word && !in_word);
            in_word = is_word;
        }
        Self {
            bytes: (prompt.system.len() + prompt.user.len()) as u64,
            words,
        }
    }

    /// Bytes of all messages.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// A usual number of tokens.
    pub fn tokens(self) -> u64 {
        self.bytes / 4
    }

    /// More tokens than a usual tokenizer makes of it.
    pub fn most_tokens(self) -> u64 {
        self.bytes
    }
}

/// What an endpoint counted so far.
#[derive(Debug, Default)]
pub(super) struct Counting {
    agreeing: u32,
    last: u64,
    /// The most tokens of a prompt that was read whole.
    largest: u64,
    /// The least share of the usual number that a whole prompt had, in thousandths.
    least_share: Option<u64>,
}

impl Counting {
    /// Whether the endpoint read less than all of a prompt, by the tokens that it counted: about how many it has.
    pub fn is_cut(&mut self, length: Length, counted: u64) -> Option<u64> {
        let usual = length.tokens().max(1);
        if counted < SMALLEST_COUNT {
            return None;
        }
        // Words may be short, and a count may leave the template out: half is certain.
        if counted * 2 < length.words {
            return Some(usual);
        }
        let share = counted * 1000 / usual;
        let least = self.least_share.unwrap_or(1000);
        // What is cut is about as long as the window: longer prompts were never read.
        let at_the_window = counted * 2 >= self.largest;
        if self.agreeing >= AGREEING && share * 2 < least && at_the_window {
            return Some(usual * least / 1000);
        }
        if counted >= length.words && (200..=4_000).contains(&share) {
            self.agreeing += u32::from(counted != self.last);
            self.last = counted;
            self.largest = self.largest.max(counted);
            self.least_share = Some(self.least_share.map_or(share, |known| known.min(share)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(functions: usize) -> Length {
        let user = (0..functions)
            .map(|n| format!("def handler_{n}(request, reply):\n    return reply.send(request)\n"));
        Length::of(&Prompt {
            system: "Write one paragraph about the content, in plain English. ".repeat(60),
            user: user.collect(),
            json: false,
        })
    }

    #[test]
    fn a_count_below_the_words_of_a_prompt_is_a_cut() {
        let mut counting = Counting::default();
        assert_eq!(counting.is_cut(prompt(30), 1_900), None);
        let cut = counting.is_cut(prompt(900), 2_051);
        assert!(cut.is_some_and(|whole| whole > 12_000), "{cut:?}");
    }

    #[test]
    fn a_count_far_below_those_before_is_a_cut() {
        let mut counting = Counting::default();
        for functions in [10, 20, 40] {
            let length = prompt(functions);
            assert_eq!(counting.is_cut(length, length.tokens()), None);
        }
        assert!(counting.is_cut(prompt(300), 2_051).is_some());
        assert_eq!(
            counting.is_cut(prompt(300), prompt(300).tokens() * 3 / 4),
            None
        );
    }

    #[test]
    fn a_constant_of_a_mock_is_none() {
        let mut counting = Counting::default();
        for functions in [1, 100, 2_000] {
            assert_eq!(counting.is_cut(prompt(functions), 10), None);
            assert_eq!(counting.is_cut(prompt(functions), 0), None);
        }
    }
}
