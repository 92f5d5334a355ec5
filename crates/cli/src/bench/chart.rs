//! The run as a picture: one bar for each thing that was measured, with a line from its lowest to its highest.

use super::Report;
use anyhow::anyhow;
use plotters::prelude::*;
use std::path::Path;

const WIDTH: u32 = 960;
const ROW: u32 = 34;
const TOP: u32 = 60;

pub fn draw(report: &Report, file: &Path) -> anyhow::Result<()> {
    let rows = u32::try_from(report.measured.len())?;
    let area = SVGBackend::new(file, (WIDTH, TOP + ROW * rows + 40)).into_drawing_area();
    paint(report, &area).map_err(|error| anyhow!("draw {}: {error}", file.display()))
}

fn paint(
    report: &Report,
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let machine = &report.machine;
    let title = format!(
        "Answers a second: median and spread of {} rounds, {} connections, {} cores, mongod {}",
        report.rounds, report.concurrency, machine.cores, machine.mongod
    );
    area.draw(&Text::new(title, (16, 16), ("sans-serif", 17).into_font()))?;
    let highest = report.measured.iter().map(|measured| measured.spread().1).fold(1.0, f64::max);
    let left = 260.0;
    let width = f64::from(WIDTH) - left - 110.0;
    let x = |value: f64| (left + width * value / highest) as i32;
    for (measured, row) in report.measured.iter().zip(0_u32..) {
        let top = i32::try_from(TOP + ROW * row)?;
        let (median, (lowest, spread)) = (measured.median(), measured.spread());
        let name = measured.name.clone();
        area.draw(&Text::new(name, (16, top + 4), ("sans-serif", 14).into_font()))?;
        let colour =
            if measured.scenario.is_some() { RGBColor(31, 98, 142) } else { RGBColor(150, 150, 150) };
        area.draw(&Rectangle::new([(left as i32, top), (x(median), top + 20)], colour.filled()))?;
        let middle = top + 10;
        area.draw(&PathElement::new([(x(lowest), middle), (x(spread), middle)], BLACK.stroke_width(2)))?;
        let figure = format!("{median:.0}");
        area.draw(&Text::new(figure, (x(spread) + 8, top + 4), ("sans-serif", 14).into_font()))?;
    }
    let foot = format!("{}; {}; oms {}", machine.processor, machine.durability, machine.oms);
    let bottom = i32::try_from(TOP + ROW * u32::try_from(report.measured.len())? + 12)?;
    area.draw(&Text::new(foot, (16, bottom), ("sans-serif", 12).into_font()))?;
    area.present()?;
    Ok(())
}
