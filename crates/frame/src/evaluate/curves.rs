//! ROC and precision-recall curves of one class against the rest, and the areas below them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::MISSING;

/// Points of a curve, in order of falling threshold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    /// Rows with at least this score count as positive. The first point stands for no row at all, so its threshold is +∞.
    pub threshold: Vec<f64>,
}

impl Curve {
    #[must_use]
    pub fn len(&self) -> usize {
        self.x.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    fn push(&mut self, x: f64, y: f64, threshold: f64) {
        self.x.push(x);
        self.y.push(y);
        self.threshold.push(threshold);
    }

    fn pick(&self, places: impl IntoIterator<Item = usize>) -> Self {
        let mut picked = Self::default();
        for at in places {
            picked.push(self.x[at], self.y[at], self.threshold[at]);
        }
        picked
    }
}

/// Rows of one class against the rest, ranked by score: all that ROC and precision-recall curves depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Cumulative counts after each distinct score, from the highest: (score, true positives, false positives).
    steps: Vec<(f64, u64, u64)>,
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// Ranks rows by score. `truth` and `scores` are as long as each other; rows whose score is `NaN` or whose truth is unknown
    /// must have been left out.
    #[must_use]
    pub fn new(truth: impl IntoIterator<Item = bool>, scores: impl IntoIterator<Item = f64>) -> Self {
        let mut rows: Vec<(f64, bool)> = scores.into_iter().map(|score| score + 0.0).zip(truth).collect();
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut hits, mut misses) = (0, 0);
        let mut steps = Vec::new();
        for tied in rows.chunk_by(|a, b| a.0 == b.0) {
            let positive = tied.iter().filter(|row| row.1).count() as u64;
            hits += positive;
            misses += tied.len() as u64 - positive;
            steps.push((tied[0].0, hits, misses));
        }
        Self { steps, positives: hits, negatives: misses }
    }

    /// Ranks the rows of a class against the rest by the confidence in that class. Rows without a truth are left out. `None` if a
    /// confidence is missing, for then the ranking is not known.
    #[must_use]
    pub fn of_class(class: u32, truth: &[u32], confidence: &[f64]) -> Option<Self> {
        let known = || truth.iter().zip(confidence).filter(|(truth, _)| **truth != MISSING);
        if truth.len() != confidence.len() || known().any(|(_, score)| score.is_nan()) {
            return None;
        }
        Some(Self::new(known().map(|(&truth, _)| truth == class), known().map(|(_, &score)| score)))
    }

    #[must_use]
    pub fn positives(&self) -> u64 {
        self.positives
    }

    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.negatives
    }

    /// Area under the ROC curve: the share of pairs of a positive and a negative row in which the positive one scores higher, ties
    /// counting half. `None` without a positive or without a negative row.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        if self.positives == 0 || self.negatives == 0 {
            return None;
        }
        // Twice the area in units of pairs, in whole numbers: exact.
        let mut twice = 0u128;
        let (mut hits_before, mut misses_before) = (0, 0);
        for &(_, hits, misses) in &self.steps {
            twice += u128::from(misses - misses_before) * u128::from(hits + hits_before);
            (hits_before, misses_before) = (hits, misses);
        }
        Some(twice as f64 / (2.0 * self.positives as f64 * self.negatives as f64))
    }

    /// Average precision, Σ (Rₖ − Rₖ₋₁) Pₖ over the distinct scores from the highest: a sum of steps, not of trapezia. `None` without
    /// a positive row.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        if self.positives == 0 {
            return None;
        }
        let mut before = 0;
        let terms = self.steps.iter().map(|&(_, hits, misses)| {
            let new = hits - before;
            before = hits;
            new as f64 * (hits as f64 / (hits + misses) as f64)
        });
        Some(crate::number::sum(terms) / self.positives as f64)
    }

    /// The ROC curve: x = false positive rate, y = true positive rate, from (0, 0) to (1, 1), without the points that lie on the
    /// straight line between their neighbours. `None` without a positive or without a negative row.
    #[must_use]
    pub fn roc(&self) -> Option<Curve> {
        if self.positives == 0 || self.negatives == 0 {
            return None;
        }
        let mut corners = vec![(f64::INFINITY, 0u64, 0u64)];
        for &step in &self.steps {
            if let [.., a, b] = corners[..] {
                let run = i128::from(b.2 - a.2) * i128::from(step.1 - b.1);
                let rise = i128::from(step.2 - b.2) * i128::from(b.1 - a.1);
                if run == rise {
                    corners.pop();
                }
            }
            corners.push(step);
        }
        let mut curve = Curve::default();
        for (threshold, hits, misses) in corners {
            curve.push(misses as f64 / self.negatives as f64, hits as f64 / self.positives as f64, threshold);
        }
        Some(curve)
    }

    /// The precision-recall curve: x = recall, y = precision, from recall 0 (where precision is 1 by convention) to recall 1. Of a
    /// run of points with equal recall only the ends are kept. `None` without a positive row.
    #[must_use]
    pub fn precision_recall(&self) -> Option<Curve> {
        if self.positives == 0 {
            return None;
        }
        let mut curve = Curve::default();
        curve.push(0.0, 1.0, f64::INFINITY);
        for (at, &(threshold, hits, misses)) in self.steps.iter().enumerate() {
            let same_before = at > 0 && self.steps[at - 1].1 == hits;
            let same_after = self.steps.get(at + 1).is_some_and(|next| next.1 == hits);
            if !(same_before && same_after) {
                let precision = hits as f64 / (hits + misses) as f64;
                curve.push(hits as f64 / self.positives as f64, precision, threshold);
            }
            // Beyond full recall precision only falls.
            if hits == self.positives {
                break;
            }
        }
        Some(curve)
    }
}

/// A curve with fewer points.
#[derive(Clone, Debug, PartialEq)]
pub struct Thinned {
    pub curve: Curve,
    /// The greatest distance of a point left out from the line drawn instead, in the units of the axes.
    pub deviation: f64,
}

/// Leaves points out as long as none of them is further than 0.0005 from the line drawn instead, or, if that keeps more than
/// `max_points` (at least 2), keeps those that matter most. A ROC curve needs a few hundred points.
#[must_use]
pub fn thin(curve: &Curve, max_points: usize) -> Thinned {
    const TOLERANCE: f64 = 0.0005;
    if curve.len() <= 2 {
        return Thinned { curve: curve.clone(), deviation: 0.0 };
    }
    let last = curve.len() - 1;
    let mut kept = vec![0, last];
    // The segment with the worst point is split first, so that a budget is spent where it matters.
    let mut segments = BinaryHeap::from([Segment::new(curve, 0, last)]);
    let mut deviation = 0.0;
    while let Some(worst) = segments.pop() {
        if worst.distance <= TOLERANCE || kept.len() >= max_points.max(2) {
            deviation = worst.distance;
            break;
        }
        kept.push(worst.furthest);
        segments.push(Segment::new(curve, worst.start, worst.furthest));
        segments.push(Segment::new(curve, worst.furthest, worst.end));
    }
    kept.sort_unstable();
    Thinned { curve: curve.pick(kept), deviation }
}

/// A straight line drawn instead of the points between two.
#[derive(Clone, Copy, PartialEq)]
struct Segment {
    distance: f64,
    furthest: usize,
    start: usize,
    end: usize,
}

impl Segment {
    fn new(curve: &Curve, start: usize, end: usize) -> Self {
        let (x, y) = (curve.x[start], curve.y[start]);
        let (dx, dy) = (curve.x[end] - x, curve.y[end] - y);
        let length = dx * dx + dy * dy;
        let mut segment = Self { distance: 0.0, furthest: start, start, end };
        for at in start + 1..end {
            let (px, py) = (curve.x[at] - x, curve.y[at] - y);
            let along = if length > 0.0 { ((px * dx + py * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
            let distance = (px - along * dx).hypot(py - along * dy);
            if distance > segment.distance {
                (segment.distance, segment.furthest) = (distance, at);
            }
        }
        segment
    }
}

impl Eq for Segment {}

impl PartialOrd for Segment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Segment {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(other.start.cmp(&self.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRUTH: [bool; 10] = [true, true, false, true, false, false, true, false, false, true];
    const SCORES: [f64; 10] = [0.9, 0.8, 0.8, 0.7, 0.6, 0.55, 0.5, 0.5, 0.3, 0.1];

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
    }

    #[test]
    fn areas_as_scikit_learn_has_them() {
        let ranking = Ranking::new(TRUTH, SCORES);
        close(ranking.auc().unwrap(), 0.6);
        close(ranking.average_precision().unwrap(), 0.683_333_333_333_333_3);
    }

    #[test]
    fn a_roc_curve_has_only_corners() {
        let roc = Ranking::new(TRUTH, SCORES).roc().unwrap();
        assert_eq!(roc.x, [0.0, 0.0, 0.2, 0.2, 0.6, 0.8, 1.0, 1.0]);
        assert_eq!(roc.y, [0.0, 0.2, 0.4, 0.6, 0.6, 0.8, 0.8, 1.0]);
        assert_eq!(roc.threshold, [f64::INFINITY, 0.9, 0.8, 0.7, 0.55, 0.5, 0.3, 0.1]);
    }

    #[test]
    fn a_precision_recall_curve_starts_at_precision_one() {
        let curve = Ranking::new(TRUTH, SCORES).precision_recall().unwrap();
        assert_eq!(curve.x, [0.0, 0.2, 0.4, 0.6, 0.6, 0.8, 0.8, 1.0]);
        assert_eq!(curve.y, [1.0, 1.0, 2.0 / 3.0, 0.75, 0.5, 0.5, 4.0 / 9.0, 0.5]);
    }

    #[test]
    fn one_class_alone_has_no_curve() {
        let ranking = Ranking::new([true, true], [0.1, 0.2]);
        assert_eq!((ranking.auc(), ranking.roc()), (None, None));
        assert_eq!(ranking.average_precision(), Some(1.0));
        let ranking = Ranking::new([false], [0.1]);
        assert_eq!((ranking.average_precision(), ranking.precision_recall()), (None, None));
    }

    #[test]
    fn thinning_keeps_the_shape() {
        let scores: Vec<f64> = (0..20_000u32).map(|n| f64::from(n.wrapping_mul(2_654_435_761) >> 12)).collect();
        let truth: Vec<bool> = scores.iter().enumerate().map(|(n, s)| s.sqrt() + f64::from(n as u32 % 701) > 1100.0).collect();
        let ranking = Ranking::new(truth, scores);
        let roc = ranking.roc().unwrap();
        let thinned = thin(&roc, 1_000);
        assert!(thinned.curve.len() < roc.len() && thinned.curve.len() <= 1_000);
        assert!(thinned.deviation < 0.001);
        assert_eq!((thinned.curve.x.last(), thinned.curve.y.last()), (Some(&1.0), Some(&1.0)));
        assert_eq!(thin(&roc, 10).curve.len(), 10);
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_ordered_pairs(rows in prop::collection::vec((any::<bool>(), 0u8..12), 1..60)) {
            let ranking = Ranking::new(rows.iter().map(|row| row.0), rows.iter().map(|row| f64::from(row.1)));
            let (mut wins, mut pairs) = (0.0, 0.0);
            for positive in rows.iter().filter(|row| row.0) {
                for negative in rows.iter().filter(|row| !row.0) {
                    pairs += 1.0;
                    wins += match positive.1.cmp(&negative.1) {
                        Ordering::Greater => 1.0,
                        Ordering::Equal => 0.5,
                        Ordering::Less => 0.0,
                    };
                }
            }
            match ranking.auc() {
                None => prop_assert_eq!(pairs, 0.0),
                Some(auc) => prop_assert!((auc - wins / pairs).abs() < 1e-12),
            }
        }

        #[test]
        fn corners_carry_the_whole_area(rows in prop::collection::vec((any::<bool>(), 0u8..30), 1..80)) {
            let ranking = Ranking::new(rows.iter().map(|row| row.0), rows.iter().map(|row| f64::from(row.1)));
            if let (Some(auc), Some(roc)) = (ranking.auc(), ranking.roc()) {
                let area: f64 = (1..roc.len())
                    .map(|at| (roc.x[at] - roc.x[at - 1]) * (roc.y[at] + roc.y[at - 1]) / 2.0)
                    .sum();
                prop_assert!((auc - area).abs() < 1e-12);
            }
        }
    }
}
