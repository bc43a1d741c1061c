//! Reads a page the way a strict browser would: a tree in which every element is closed and every attribute quoted.

use std::collections::BTreeMap;

/// An element, or a text (with an empty name).
#[derive(Debug, Default)]
pub struct Node {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub text: String,
    pub children: Vec<Node>,
}

/// Elements without an end.
const VOID: [&str; 3] = ["meta", "input", "br"];
/// Elements whose content is not markup.
const RAW: [&str; 2] = ["script", "style"];

impl Node {
    /// The tree of a page. Panics where the page is not well formed.
    pub fn parse(page: &str) -> Node {
        let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a page starts with its type");
        let mut open = vec![Node { name: "page".to_owned(), ..Node::default() }];
        while !rest.is_empty() {
            let raw = open.last().filter(|node| RAW.contains(&node.name.as_str()));
            let end = match raw {
                Some(node) => rest.find(&format!("</{}", node.name)).expect("a raw element ends"),
                None => rest.find('<').unwrap_or(rest.len()),
            };
            if end > 0 {
                let text = if raw.is_some() { rest[..end].to_owned() } else { decoded(&rest[..end]) };
                open.last_mut().unwrap().children.push(Node { text, ..Node::default() });
                rest = &rest[end..];
            } else if let Some(after) = rest.strip_prefix("</") {
                let (name, after) = after.split_once('>').expect("an end tag ends");
                let node = open.pop().unwrap();
                assert_eq!(node.name, name, "ends what is open");
                open.last_mut().unwrap().children.push(node);
                rest = after;
            } else {
                let (node, after) = start_tag(&rest[1..]);
                rest = after;
                if VOID.contains(&node.name.as_str()) {
                    open.last_mut().unwrap().children.push(node);
                } else {
                    open.push(node);
                }
            }
        }
        assert_eq!(open.len(), 1, "everything is closed");
        open.pop().unwrap()
    }

    /// All nodes below, parents first.
    pub fn all(&self) -> Vec<&Node> {
        self.children.iter().flat_map(|child| std::iter::once(child).chain(child.all())).collect()
    }

    /// All elements of a name.
    pub fn named(&self, name: &str) -> Vec<&Node> {
        self.all().into_iter().filter(|node| node.name == name).collect()
    }

    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }

    pub fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split_whitespace().any(|name| name == class))
    }

    /// The text of the element.
    pub fn content(&self) -> String {
        if self.name.is_empty() { self.text.clone() } else { self.children.iter().map(Node::content).collect() }
    }
}

fn start_tag(text: &str) -> (Node, &str) {
    let name_end = text.find(|c: char| !c.is_ascii_alphanumeric()).expect("a tag ends");
    assert!(name_end > 0, "a '<' is the start of a tag: {:.40}", text);
    let mut node = Node { name: text[..name_end].to_owned(), ..Node::default() };
    let mut rest = &text[name_end..];
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            return (node, after);
        }
        let key_end = rest.find(['=', ' ', '>']).expect("an attribute ends");
        let key = rest[..key_end].to_owned();
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "an attribute's name: {key}");
        rest = &rest[key_end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix("=\"") {
            let (quoted, after) = after.split_once('"').expect("a value ends");
            value = decoded(quoted);
            rest = after;
        } else {
            assert!(!rest.starts_with('='), "values are quoted: {key}");
        }
        assert!(node.attributes.insert(key, value).is_none(), "an attribute is given once");
    }
}

fn decoded(text: &str) -> String {
    assert!(!text.contains('<'), "a '<' is escaped: {text:.60}");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
