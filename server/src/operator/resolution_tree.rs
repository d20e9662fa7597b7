//! The steps of a resolution as a tree.

use rhumb_resolver::iterate::ResolutionStep;

use super::explanation::ExplanationStep;
use super::resolution_words::told;
use crate::recursion::ExplainedLookup;

/// The deepest that steps are shown within others: what is deeper stands beside. Readers of JSON have their limits too.
const DEEPEST: usize = 48;

/// A look-up with what it did below.
pub(super) fn lookup(explained: ExplainedLookup) -> ExplanationStep {
    let ExplainedLookup { question, steps } = explained;
    let mut head = ExplanationStep::new("lookup", format!("{} {}", question.name, question.qtype))
        .with("name", question.name.to_string())
        .with("type", question.qtype.to_string());
    head.children = tree(steps);
    head
}

/// Steps, each with those below that were taken within it.
pub(super) fn tree(steps: Vec<ResolutionStep>) -> Vec<ExplanationStep> {
    let mut open: Vec<(usize, ExplanationStep)> = Vec::new();
    let mut roots = Vec::new();
    for ResolutionStep { depth, event } in steps {
        let depth = depth.min(DEEPEST);
        close(&mut open, &mut roots, depth);
        open.push((depth, told(event)));
    }
    close(&mut open, &mut roots, 0);
    roots
}

/// Puts the steps that ended, those at `depth` or deeper, below the ones around them.
fn close(open: &mut Vec<(usize, ExplanationStep)>, roots: &mut Vec<ExplanationStep>, depth: usize) {
    while let Some((_, step)) = open.pop_if(|(at, _)| *at >= depth) {
        match open.last_mut() {
            Some((_, around)) => around.children.push(step),
            None => roots.push(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use rhumb_cache::SecurityStatus;
    use rhumb_resolver::iterate::ResolutionEvent;

    use super::*;

    fn steps(depths: &[usize]) -> Vec<ResolutionStep> {
        let event = ResolutionEvent::Verdict(SecurityStatus::Secure);
        depths.iter().map(|&depth| ResolutionStep { depth, event: event.clone() }).collect()
    }

    /// A tree as brackets.
    fn shape(steps: &[ExplanationStep]) -> String {
        steps.iter().fold(String::new(), |text, step| format!("{text}({})", shape(&step.children)))
    }

    #[test]
    fn steps_lie_within_the_one_before_them_that_is_less_deep() {
        for (depths, expected) in [
            (&[][..], ""),
            (&[0], "()"),
            (&[0, 0], "()()"),
            (&[0, 1, 1, 0], "(()())()"),
            (&[0, 1, 2, 1, 0, 1], "((())())(())"),
            // What was broken off left a gap.
            (&[0, 3, 1], "(()())"),
        ] {
            assert_eq!(shape(&tree(steps(depths))), expected, "{depths:?}");
        }
    }

    #[test]
    fn a_deep_tree_is_no_deeper_than_readers_take() {
        let deep: Vec<usize> = (0..4000).collect();
        let tree = tree(steps(&deep));
        let text = serde_json::to_string(&tree).unwrap();
        assert!(serde_json::from_str::<Vec<ExplanationStep>>(&text).is_ok());
        assert_eq!(shape(&tree).matches('(').count(), 4000);
    }
}
