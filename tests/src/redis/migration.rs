use super::RedisCluster;

/// Slots of a cluster on their way from one master to another, step by step.
///
/// While they are, the old master answers for the keys that it still has, and sends who asks for
/// others to the new one (`ASK`); who asks for some of both is told to come again (`TRYAGAIN`).
#[derive(Debug)]
#[must_use = "it is not finished by itself"]
pub struct Migration<'a> {
    cluster: &'a RedisCluster,
    from: usize,
    to: usize,
    slots: Vec<u16>,
}

impl RedisCluster {
    /// Begins to move slots, all of the node `from`, to the node `to`.
    pub fn migrate(&self, slots: Vec<u16>, from: usize, to: usize) -> Migration<'_> {
        let (old, new) = (self.id(from), self.id(to));
        let all = |state: &str, node: &str| {
            let line = |slot| format!("CLUSTER SETSLOT {slot} {state} {node}");
            slots.iter().map(line).collect::<Vec<_>>()
        };
        self.nodes[to].cli_all(&all("IMPORTING", &old));
        self.nodes[from].cli_all(&all("MIGRATING", &new));
        Migration {
            cluster: self,
            from,
            to,
            slots,
        }
    }
}

impl Migration<'_> {
    /// The keys that have not moved yet.
    pub fn keys(&self) -> Vec<String> {
        let line = |slot| format!("CLUSTER GETKEYSINSLOT {slot} 100000");
        let lines: Vec<String> = self.slots.iter().map(line).collect();
        self.cluster.nodes[self.from].cli_all(&lines)
    }

    /// Moves some keys.
    pub fn move_keys(&self, keys: &[String]) {
        let port = self.cluster.nodes[self.to].port();
        let line = |key| format!("MIGRATE 127.0.0.1 {port} {key} 0 10000");
        let lines: Vec<String> = keys.iter().map(line).collect();
        self.cluster.nodes[self.from].cli_all(&lines);
    }

    /// Moves all that is left, and tells all nodes.
    pub fn finish(self) {
        loop {
            let keys = self.keys();
            if keys.is_empty() {
                break;
            }
            self.move_keys(&keys);
        }
        let new = self.cluster.id(self.to);
        let line = |slot| format!("CLUSTER SETSLOT {slot} NODE {new}");
        let lines: Vec<String> = self.slots.iter().map(line).collect();
        // Who serves them first, then who does not any more, then those who only point there.
        self.cluster.nodes[self.to].cli_all(&lines);
        self.cluster.nodes[self.from].cli_all(&lines);
        for (n, node) in self.cluster.nodes.iter().enumerate() {
            let is_master = || node.cli(&["ROLE"]).starts_with("master");
            if n != self.to && n != self.from && node.is_running() && is_master() {
                node.cli_all(&lines);
            }
        }
    }
}
