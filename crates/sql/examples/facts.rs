//! Prints the facts of each line of standard input as JSON.

fn main() {
    for line in std::io::stdin().lines() {
        let facts =
            chaperone_sql::read(line.unwrap_or_default().as_bytes(), &chaperone_sql::Limits::default());
        println!("{}", serde_json::to_string(&facts).unwrap_or_default());
    }
}
