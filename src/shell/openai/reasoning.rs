//! Separates a model's answer from its reasoning and from the control tokens of its chat template.
//!
//! Servers that do not know a model's template leave both in the text. The marks come in many spellings (`<think>`,
//! `[THINK]`, `◁think▷`, `<|im_end|>`, `</s>`), so a mark is recognized by its brackets and its name. A text that only
//! mentions a mark keeps it: only marks at the edge of a sentence and outside of code quotes count.

/// Names of blocks that hold reasoning.
const REASONING: [&str; 22] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reason",
    "analysis",
    "reflection",
    "scratchpad",
    "seedthink",
    "seedcotbudgetreflect",
    "cot",
    "chainofthought",
    "innermonologue",
    "monologue",
    "antthinking",
    "innerthoughts",
    "internal",
    "plan",
    "planning",
    "commentary",
    "unused94",
];
/// First words of longer names of such blocks.
const BASES: [&str; 4] = ["think", "thinking", "thought", "reasoning"];
/// Names of blocks that hold the answer.
const ANSWER: [&str; 9] = [
    "answer",
    "final",
    "finalanswer",
    "response",
    "solution",
    "output",
    "summary",
    "result",
    "paragraph",
];
/// Names of tokens behind which the model's turn is over.
const END: [&str; 16] = [
    "imend",
    "eotid",
    "endoftext",
    "endofturn",
    "endofsentence",
    "return",
    "end",
    "eos",
    "eomid",
    "endofturntoken",
    "eot",
    "eom",
    "endofmessage",
    "turn",
    "user",
    "humanend",
];
/// Names of tokens in front of a turn.
const BEGIN: [&str; 17] = [
    "imstart",
    "startheaderid",
    "endheaderid",
    "bos",
    "beginoftext",
    "startofturn",
    "start",
    "assistant",
    "model",
    "startofturntoken",
    "chatbottoken",
    "message",
    "begin",
    "s",
    "startofrole",
    "endofrole",
    "imassistant",
];
/// Names of tokens without a meaning, that are never text between sentences.
const NOISE: [&str; 10] = [
    "pad", "unk", "eos", "bos", "sop", "eop", "gmask", "cls", "sep", "mask",
];
/// Labels in front of reasoning, at the start of an answer.
const THOUGHTS: [&str; 7] = [
    "thinking",
    "reasoning",
    "thought",
    "thought process",
    "analysis",
    "here is my thought process",
    "here's my thought process",
];
/// Labels of the answer behind such reasoning.
const CONCLUSIONS: [&str; 8] = [
    "answer",
    "response",
    "output",
    "summary",
    "paragraph",
    "conclusion",
    "here is my response",
    "here's my response",
];
/// Labels in front of the answer, where reasoning without marks precedes it.
const LABELS: [&str; 5] = [
    "final answer",
    "final response",
    "final summary",
    "final output",
    "final paragraph",
];

/// The answer alone; empty if the text contains only reasoning.
pub(super) fn answer(text: &str) -> String {
    let text = harmony(text);
    let text = marked(&text);
    labelled(text.trim()).to_owned()
}

/// OpenAI's harmony format: channels, of which `final` is the answer; with its control tokens or stripped of them.
fn harmony(text: &str) -> String {
    if text.contains("<|channel|>") && text.contains("<|message|>") {
        const FINAL: &str = "<|channel|>final";
        let Some(at) = text.rfind(FINAL) else {
            // Reasoning that was cut short. What stands in front of the first channel may be an answer.
            return text
                .split("<|channel|>")
                .next()
                .unwrap_or("")
                .replace("<|start|>assistant", "");
        };
        let rest = &text[at + FINAL.len()..];
        return match rest.split_once("<|message|>") {
            Some((_, answer)) => answer.to_owned(),
            None => rest.to_owned(),
        };
    }
    let bare = text.trim_start();
    if let Some(at) = text.rfind("assistantfinal") {
        return text[at + "assistantfinal".len()..].to_owned();
    }
    let channel = ["analysis", "commentary"]
        .iter()
        .find_map(|name| bare.strip_prefix(name));
    // "analysisWe must …" is a channel's name with its text; "analysis of …" is a sentence.
    if channel.is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase())) {
        return String::new();
    }
    match bare
        .strip_prefix("final")
        .or_else(|| bare.strip_prefix("assistant"))
    {
        Some(rest) if rest.starts_with(|c: char| c.is_uppercase() || c == '\n') => rest.to_owned(),
        _ => text.to_owned(),
    }
}

/// Names of the model's own role, behind a token in front of a turn.
const ROLES: [&str; 2] = ["assistant", "model"];

/// What a mark does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    OpenReasoning,
    CloseReasoning,
    OpenAnswer,
    CloseAnswer,
    End,
    Begin,
    Noise,
}

/// A mark and the bytes that it takes.
struct Mark {
    act: Act,
    start: usize,
    end: usize,
}

/// Removes blocks of reasoning and control tokens.
fn marked(text: &str) -> String {
    let marks = marks(text);
    let mut kept = String::new();
    let mut at = 0;
    let mut reasoning = false;
    for (index, mark) in marks.iter().enumerate() {
        if mark.start < at {
            continue;
        }
        let between = &text[at..mark.start];
        if !reasoning {
            kept.push_str(between);
        }
        let edge = is_edge(text, mark);
        match mark.act {
            Act::OpenReasoning
                if !reasoning
                    && (kept.trim().is_empty() || edge && has_close(&marks[index + 1..])) =>
            {
                reasoning = true;
            }
            Act::CloseReasoning if reasoning => reasoning = false,
            // The template put the opening mark into the prompt.
            Act::CloseReasoning if edge => kept.clear(),
            Act::OpenAnswer
                if !reasoning
                    && marks[index + 1..]
                        .iter()
                        .any(|later| later.act == Act::CloseAnswer)
                    && (kept.trim().is_empty() || edge) =>
            {
                kept.clear();
            }
            Act::CloseAnswer
                if !reasoning
                    && edge
                    && (text[mark.end..].trim().is_empty()
                        || marks[..index]
                            .iter()
                            .any(|earlier| earlier.act == Act::OpenAnswer)) =>
            {
                return kept;
            }
            Act::End if edge && !reasoning => {
                if !kept.trim().is_empty() {
                    return kept;
                }
            }
            Act::Begin if !reasoning && (kept.trim().is_empty() || edge) => {
                let after = &text[mark.end..];
                let role = ROLES.iter().find(|role| after.starts_with(**role));
                at = mark.end + role.map_or(0, |role| role.len());
                continue;
            }
            Act::Noise if edge || kept.trim().is_empty() => {}
            _ if reasoning => {}
            _ => kept.push_str(&text[mark.start..mark.end]),
        }
        at = mark.end;
    }
    if !reasoning {
        kept.push_str(&text[at.min(text.len())..]);
    }
    kept
}

fn has_close(marks: &[Mark]) -> bool {
    marks.iter().any(|mark| mark.act == Act::CloseReasoning)
}

/// Whether a mark stands between sentences, and not within one that mentions it.
fn is_edge(text: &str, mark: &Mark) -> bool {
    let before = &text[..mark.start];
    let after = &text[mark.end..];
    let on_own_line = before.ends_with('\n') || after.starts_with(['\n', '\r']);
    let Some(next) = after.trim_start().chars().next() else {
        return true;
    };
    let Some(last) = before.trim_end().chars().next_back() else {
        return true;
    };
    let ends = matches!(
        last,
        '.' | '!' | '?' | ':' | '…' | '"' | '”' | ')' | '>' | '|' | ']' | '▷' | '。' | '！' | '？'
    );
    let begins = ROLES.iter().any(|role| after.starts_with(role))
        || next.is_uppercase()
        || !next.is_ascii()
        || matches!(next, '<' | '[' | '`' | '"' | '◁' | '*' | '#');
    on_own_line || ends && begins
}

/// All marks outside of code quotes, in order.
fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut quoted = false;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c == '`' {
            quoted = !quoted;
        }
        let close = match c {
            '<' => Some('>'),
            '[' => Some(']'),
            '◁' => Some('▷'),
            _ => None,
        };
        if !quoted
            && let Some(close) = close
            && let Some((act, end)) = mark_at(&text[at..], c, close)
        {
            marks.push(Mark {
                act,
                start: at,
                end: at + end,
            });
            at += end;
            continue;
        }
        at += c.len_utf8();
    }
    marks
}

/// The longest mark, in bytes.
const LONGEST_MARK: usize = 80;

fn mark_at(text: &str, open: char, close: char) -> Option<(Act, usize)> {
    let end = text.find(close)? + close.len_utf8();
    if end > LONGEST_MARK {
        return None;
    }
    let inner = &text[open.len_utf8()..end - close.len_utf8()];
    let (bar_before, bar_behind) = (inner.starts_with(['|', '｜']), inner.ends_with(['|', '｜']));
    let is_control = bar_before || bar_behind;
    let is_upper = !inner.chars().any(char::is_lowercase);
    let inner = inner.trim_matches(['|', '｜', ' ']);
    let closes = inner.starts_with('/') || inner.ends_with('/');
    let inner = inner.trim_matches('/');
    // Attributes follow the name.
    let tag = inner.split([' ', '=']).next().unwrap_or("");
    let mut name: String = tag
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    // "think_fast", "thinking-process"
    let first = tag.split(['_', '-']).next().unwrap_or("").to_lowercase();
    let is_reasoning = |name: &str| REASONING.contains(&name) || BASES.contains(&first.as_str());
    let mut ends = closes;
    if is_control {
        // "<|begin_of_thought|>", "<|END_THINKING|>"
        for (prefix, is_end) in [
            ("beginof", false),
            ("endof", true),
            ("start", false),
            ("end", true),
            ("begin", false),
        ] {
            if let Some(rest) = name.strip_prefix(prefix)
                && (REASONING.contains(&rest) || ANSWER.contains(&rest))
            {
                name = rest.to_owned();
                ends |= is_end;
                break;
            }
        }
    }
    let name = name.as_str();
    let act = if name == "unused95" || name == "channel" && bar_behind && !bar_before {
        Act::CloseReasoning
    } else if name == "channel" && bar_before && !bar_behind {
        Act::OpenReasoning
    } else if is_reasoning(name)
        && (open != '[' || matches!(name, "think" | "thinking" | "thought" | "reasoning"))
    {
        if ends {
            Act::CloseReasoning
        } else {
            Act::OpenReasoning
        }
    } else if ANSWER.contains(&name) && (open != '[' || is_upper) {
        if ends {
            Act::CloseAnswer
        } else {
            Act::OpenAnswer
        }
    } else if name == "inst" && open == '[' {
        if ends { Act::End } else { Act::Begin }
    } else if (name == "s" || name == "eos") && open == '<' {
        if ends || name == "eos" {
            Act::End
        } else {
            Act::Begin
        }
    } else if (open == '<' || is_control)
        && END.contains(&name)
        && (is_control || matches!(name, "endofturn" | "eos" | "endoftext"))
    {
        Act::End
    } else if (open == '<' || is_control)
        && BEGIN.contains(&name)
        && (is_control || matches!(name, "startofturn" | "bos" | "s"))
    {
        Act::Begin
    } else if is_control && bar_before && bar_behind
        || NOISE.contains(&name) && (open == '<' || open == '[' && is_upper || name == "gmask")
        || name.starts_with("0x")
        || name.ends_with("eos")
        || open == '[' && inner == "s"
    {
        Act::Noise
    } else {
        return None;
    };
    Some((act, end))
}

/// Whether a line is one of the labels, alone or in front of a colon: what follows it.
fn after_label<'t>(line: &'t str, labels: &[&str]) -> Option<&'t str> {
    let marks = ['*', '#', '_', ' '];
    let bare = line.trim_start_matches(marks);
    labels.iter().find_map(|label| {
        let start = bare.get(..label.len())?;
        let rest = &bare[label.len()..];
        let rest = rest.trim_start_matches(['*', '_', ' ']);
        let ends = rest.starts_with(':') || rest.is_empty() && bare.len() < line.len();
        (start.eq_ignore_ascii_case(label) && ends)
            .then(|| rest.trim_start_matches([':', '*', '_', ' ']))
    })
}

/// The answer behind reasoning that a label announces: "**Thinking:** … **Answer:** …".
fn concluded(text: &str) -> Option<&str> {
    let first = text.lines().next()?;
    after_label(first, &THOUGHTS)?;
    let mut answer = None;
    for line in text.lines().skip(1) {
        if let Some(rest) = after_label(line, &CONCLUSIONS) {
            let at = line.len() - rest.len() + (line.as_ptr() as usize - text.as_ptr() as usize);
            answer = Some(text[at..].trim());
        }
    }
    answer.filter(|answer| !answer.is_empty())
}

/// What follows the last label that announces the answer.
fn labelled(text: &str) -> &str {
    if let Some(answer) = concluded(text) {
        return answer;
    }
    let text = text.strip_prefix("model\n").unwrap_or(text);
    let lower = text.to_ascii_lowercase();
    for label in LABELS {
        let Some(at) = lower.rfind(label) else {
            continue;
        };
        let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let only_marks = text[line_start..at].chars().all(|c| !c.is_alphanumeric());
        let after_sentence = text[..at]
            .trim_end_matches([' ', '*', '#', '_'])
            .ends_with(['.', '!', '?', '\n', ':']);
        let rest = text[at + label.len()..].trim_start_matches(['*', '_', ' ']);
        if let Some(rest) = rest.strip_prefix(':')
            && (only_marks || after_sentence)
        {
            return rest.trim_start_matches(['*', '_', ' ', '\n']);
        }
    }
    // Ollama's own print of reasoning.
    match text
        .strip_prefix("Thinking...")
        .and_then(|rest| rest.split_once("...done thinking."))
    {
        Some((_, answer)) => answer.trim_start(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_is_left_of_any_form_of_reasoning() {
        for text in [
            "<|channel|>analysis<|message|>We must…<|end|><|start|>assistant<|channel|>final<|message|>Reads files.",
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Reads files.<|return|>",
            "<|start|>assistant<|channel|>commentary<|message|>Hm.<|end|><|start|>assistant<|channel|>final <|constrain|>text<|message|>Reads files.<|end|>",
            "analysisWe must write.assistantfinalReads files.",
            "assistantanalysisWe must write.assistantfinalReads files.",
            "finalReads files.",
            "[THINK]Hm. Files.[/THINK]Reads files.",
            "◁think▷Hm.◁/think▷Reads files.",
            "<seed:think>Hm.</seed:think>Reads files.",
            "<seed:think>Hm.<seed:cot_budget_reflect>So far.</seed:cot_budget_reflect> More.</seed:think>Reads files.",
            "<think>Hm.\n\nYes.</think>\n\nReads files.",
            "<THINK>Hm.</THINK> Reads files.",
            "<thinking>Hm.</thinking>Reads files.",
            "<thought>Hm.</thought>\nReads files.",
            "<reasoning effort=\"high\">Hm.</reasoning>Reads files.",
            "<|begin_of_thought|>Hm.<|end_of_thought|><|begin_of_solution|>Reads files.<|end_of_solution|>",
            "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Reads files.<|END_RESPONSE|>",
            "<unused94>thought\nHm.<unused95>Reads files.",
            "<think>Hm.</think><answer>Reads files.</answer>",
            "<answer>Reads files.</answer>",
            "Let me look at it… Let's write the answer.</think>Reads files.",
            "Let me look at it. Let's write the answer.</think> Reads files.",
            "Hm, the user\nwants\n</think>\n\nReads files.",
            "Hm.[/THINK]Reads files.",
            "Reads files.<|im_end|>",
            "Reads files.<end_of_turn>",
            "Reads files.<|eot_id|>",
            "Reads files.<|endoftext|>",
            "Reads files.</s>",
            "Reads files. </s>",
            "Reads files.<|end|>",
            "Reads files.<eos>",
            "Reads files.<｜end▁of▁sentence｜>",
            "Reads files.<|END_OF_TURN_TOKEN|>",
            "Reads files.<|im_end|>\n<|im_start|>user\nAnd this?",
            "<|im_start|>assistant\nReads files.<|im_end|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\nReads files.<|eot_id|>",
            "<s>Reads files.</s>",
            "Okay, it reads files. So that is it.\n\nFinal answer: Reads files.",
            "Thought: it reads.\n**Final Answer:** Reads files.",
            "Thinking...\nHm.\n...done thinking.\n\nReads files.",
            // Gemma, Llama, Qwen, Mistral, Granite, Phi, DeepSeek, Cohere, Kimi, GLM, MiniMax, Nemotron, Exaone and others.
            "<start_of_turn>model\nReads files.<end_of_turn>",
            "model\nReads files.",
            "<|begin_of_text|><|start_header_id|>assistant<|end_header_id|>\n\nReads files.<|eom_id|>",
            "assistant\n\nReads files.",
            "<|im_start|>assistant\n<think>\n\n</think>\n\nReads files.<|im_end|>",
            "[/INST] Reads files.",
            "[THINK]Hm.[/THINK][RESPONSE]Reads files.[/RESPONSE]",
            "<|start_of_role|>assistant<|end_of_role|>Reads files.<|end_of_text|>",
            "Here is my thought process: It reads.\n\nHere is my response: Reads files.",
            "<think>Hm.</think><response>Reads files.</response>",
            "<|assistant|>Reads files.<|end|>",
            "<|assistant|>\n<think>Hm.</think>Reads files.<|user|>",
            "<｜Assistant｜>Reads files.<｜end▁of▁sentence｜>",
            "<｜begin▁of▁sentence｜><｜Assistant｜></think>Reads files.",
            "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Reads files.<|END_OF_TURN_TOKEN|>",
            "<|START_THINKING|>Hm.<|END_THINKING|><|START_TEXT|>Reads files.<|END_TEXT|>",
            "<|im_assistant|>assistant<|im_middle|>Reads files.<|im_end|>",
            "◁think▷\n\n◁/think▷\n\nReads files.",
            "<|begin_of_box|>Reads files.<|end_of_box|>",
            "<think>Hm.</think>\n<|begin_of_box|>Reads files.<|end_of_box|>",
            "[gMASK]<sop><|assistant|>Reads files.",
            "[|assistant|]Reads files.[|endofturn|]",
            "<thought>Hm.</thought>\n[|assistant|]Reads files.",
            "<|thinking|>Hm.<|/thinking|>Reads files.",
            "<|think|>Hm.<|/think|>Reads files.",
            "<reasoning>Hm.</reasoning>\n<output>Reads files.</output>",
            "<scratchpad>Hm.</scratchpad>Reads files.",
            "<inner_monologue>Hm.</inner_monologue>Reads files.",
            "<seed:think>Hm.</seed:think>\nReads files.<seed:eos>",
            "<thinking_process>Hm.</thinking_process>Reads files.",
            "<think_fast></think_fast>Reads files.",
            "<Thought>Hm.</Thought><Output>Reads files.</Output>",
            "<reflection>Hm.</reflection>Reads files.",
            "<|reserved_special_token_1|>Reads files.",
            "Reads files.<pad><pad>",
            "Reads files.<|fim_suffix|>",
            "Reads files.<|eot|>",
            "Reads files.<|EOT|>",
            "Reads files.<|endofprompt|>",
            "Reads files.</answer>",
            "Reads files.<|end_of_solution|>",
            "Reads files.[EOS]",
            "Reads files.[/s]",
            "Reads files.<0x0A>",
            "Reads files.<|start_header_id|>assistant<|end_header_id|>",
            "<|channel|>final<|message|>Reads files.",
            "<|message|>Reads files.<|return|>",
            "<|start|>assistant<|message|>Reads files.",
            "analysis\nWe must write.\nassistantfinal\nReads files.",
            "<|channel>thought\nHm.<channel|>Reads files.",
            "**Thinking:** Hm, it reads.\n\n**Answer:** Reads files.",
            "Reasoning: it reads.\n\nAnswer: Reads files.",
            "### Reasoning\nIt reads.\n\n### Answer\nReads files.",
            "> Hm, it reads.\n\n</think>\n\nReads files.",
        ] {
            assert_eq!(answer(text).trim(), "Reads files.", "{text}");
        }
    }

    #[test]
    fn reasoning_without_an_answer_is_empty() {
        for text in [
            "<|channel|>analysis<|message|>We must write a paragraph that",
            "analysisWe must write a paragraph",
            "<think>Hm.",
            "<think></think>",
            "[THINK]Hm. It",
            "◁think▷Hm",
            "Let me look at it. So it is that.</think>",
            "",
        ] {
            assert_eq!(answer(text).trim(), "", "{text}");
        }
    }

    #[test]
    fn a_text_that_mentions_marks_keeps_them() {
        for text in [
            "Pads with <pad> and masks with [MASK] before it sends them.",
            "Answer: a struct of two fields. Reasoning: none.",
            "Inserts <|fim_suffix|> between both halves.",
            "Thinks about <thinker> elements in a tree.",
            "Cuts `<think>` and `</think>` tags.",
            "Cuts everything up to </think> and keeps the rest.",
            "Splits a prompt at <|im_end|> and counts the turns.",
            "Ends each turn with `<|im_end|>`. Then it flushes.",
            "Parses <summary> elements of an HTML page.",
            "Reads [start] and [end] of a range.",
            "analysis of logs stays.",
            "Maps Vec<T> to Option<Output> in order.",
            "Finalizes the transaction. The answer is stored.",
        ] {
            assert_eq!(answer(text), text, "{text}");
        }
    }
}
