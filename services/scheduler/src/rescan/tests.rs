//! Which images are in use, and which is due: each in its time, none twice, none forgotten.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn image(number: u8) -> Image {
    let digest = Sha256Digest::of(&[number]);
    format!("sha256:{digest}").parse().unwrap()
}

const fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_000_000_000_000 + ms)
}

#[test]
fn images_in_use_are_distinct_bounded_and_recent() {
    let (one, two, three) = (image(1), image(2), image(3));
    let elsewhere: Image = format!("registry.example/a@sha256:{}", one.digest()).parse().unwrap();
    let configured = [one.clone()];
    let ran = [(&two, at(30)), (&elsewhere, at(20)), (&two, at(20)), (&three, at(9))];
    let used = |since: i64, max: usize| in_use(configured.iter(), ran.into_iter(), at(since), max);
    assert_eq!(used(9, 10), [one.clone(), two.clone(), three.clone()]);
    assert_eq!(
        used(10, 10),
        [one.clone(), two.clone()],
        "the last job of the third is too long ago"
    );
    assert_eq!(used(9, 1), [one]);
}

#[test]
fn an_image_is_due_at_once_then_after_its_period_and_when_the_clock_was_set_back() {
    let (images, every) = ([image(1), image(2)], 1_000);
    let mut due = Due::default();
    assert_eq!(due.at(at(0), every, &images), images);
    due.asked(&images[0], at(0), every);
    assert_eq!(due.at(at(999), every, &images), [image(2)]);
    assert_eq!(due.at(at(1_000), every, &images), images);
    due.asked(&images[0], at(1_000), every);
    assert_eq!(due.at(at(-5_000), every, &images), images);
}

proptest! {
    /// Whatever is in use when: an image is never asked for twice within its period, and one that
    /// stays in use is asked for at the first look after it.
    #[test]
    fn every_image_is_asked_for_in_its_time(
        looks in prop::collection::vec((1_i64..400, prop::collection::btree_set(0_u8..6, 0..6)), 1..60),
        every in 1_i64..1_000,
    ) {
        let (mut due, mut now) = (Due::default(), 0);
        // When each image was asked for last, while it was in use without a break.
        let mut asked: BTreeMap<u8, i64> = BTreeMap::new();
        for (pause, used) in looks {
            now += pause;
            asked.retain(|number, _| used.contains(number));
            let images: Vec<Image> = used.iter().map(|number| image(*number)).collect();
            let expected = used.iter().filter(|n| asked.get(*n).is_none_or(|last| now - last >= every));
            let expected: Vec<u8> = expected.copied().collect();
            let got = due.at(at(now), every, &images);
            prop_assert_eq!(&got, &expected.iter().map(|n| image(*n)).collect::<Vec<_>>());
            for (number, image) in expected.iter().zip(&got) {
                due.asked(image, at(now), every);
                asked.insert(*number, now);
            }
            prop_assert!(due.0.len() <= used.len(), "what is not in use any more is forgotten");
        }
    }
}
