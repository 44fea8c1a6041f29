//! Scales and ticks, also of hostile numbers.

use proptest::prelude::*;

use super::{Html, Line, Scale, draw, number_text};

#[test]
fn ticks_are_whole_steps_around_the_values() {
    let mut scale = Scale::new([0.03, 0.98].into_iter(), 0.0, 100.0);
    let ticks: Vec<String> = scale.ticks(0.0).into_iter().map(number_text).collect();
    assert_eq!(ticks, ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    assert!((scale.place(0.5) - 50.0).abs() < 1e-9);
}

#[test]
fn numbers_are_as_short_as_they_can_be() {
    let shown = [0.0, -0.0, 1.0, 0.25, 1e-9, 3e7, 0.1 + 0.2].map(number_text);
    assert_eq!(shown, ["0", "0", "1", "0.25", "1.0e-9", "3.0e7", "0.3"]);
}

proptest! {
    #[test]
    fn any_finite_points_are_drawn_inside(
        points in proptest::collection::vec((-1e15..1e15_f64, -1e15..1e15_f64), 1..40),
    ) {
        let mut html = Html::default();
        draw(&mut html, 0, "loss", &[Line { validation: false, points }]);
        let svg = html.finish();
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
        let line = svg.split("<polyline").find_map(|part| part.split_once("points=\"")).unwrap().1;
        for pair in line.split_once('"').unwrap().0.split(' ') {
            let (x, y) = pair.split_once(',').unwrap();
            prop_assert!((0.0..=480.0).contains(&x.parse::<f64>().unwrap()), "{}", pair);
            prop_assert!((0.0..=260.0).contains(&y.parse::<f64>().unwrap()), "{}", pair);
        }
    }
}
