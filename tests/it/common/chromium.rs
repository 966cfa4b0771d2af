//! Headless Chromium, controlled by the DevTools protocol over a pipe.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Timeout of every operation, generous for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running browser with one page.
pub(crate) struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    calls: u64,
    session: String,
    /// Unwanted behaviour of the page: errors, exceptions, and requests other than for the page itself.
    pub complaints: Vec<String>,
    loaded: bool,
    _profile: tempfile::TempDir,
}

/// Path of the browser; `None` if it is not installed. Tests that need it are then skipped, but they fail in CI.
pub(crate) fn installed() -> Option<&'static str> {
    let found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI installs Chromium");
        eprintln!("skipped: no Chromium here");
    }
    found
}

impl Chromium {
    /// Starts the browser.
    pub(crate) fn start(path: &str) -> Chromium {
        let profile = tempfile::tempdir().expect("a profile");
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";
        let mut child = Command::new("sh")
            .args(["-c", script, path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args([
                "--remote-debugging-pipe",
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--disable-sync", "--disable-quic", "--lang=en-US", "--force-color-profile=srgb"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let to = child.stdin.take().expect("piped");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let (send, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok_and(|n| n > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if send.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Chromium {
            child,
            to,
            from,
            calls: 0,
            session: String::new(),
            complaints: Vec::new(),
            loaded: false,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method of the protocol and waits for its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = serde_json::to_vec(&message).expect("JSON");
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        loop {
            let message = self.from.recv_timeout(TIMEOUT).unwrap_or_else(|e| panic!("{method}: {e}"));
            if message["id"] == json!(id) {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.take(&message);
        }
    }

    fn take(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str() {
            Some("Page.loadEventFired") => self.loaded = true,
            Some("Runtime.exceptionThrown") => self.complaints.push(params["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") if params["type"] == "error" || params["type"] == "warning" => {
                self.complaints.push(params["args"].to_string());
            }
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.complaints.push(params["entry"].to_string());
            }
            Some("Network.requestWillBeSent") => {
                let url = params["request"]["url"].as_str().unwrap_or_default();
                if !url.starts_with("file:///") && !url.starts_with("data:") && params["type"] != "Document" {
                    self.complaints.push(format!("it asks for {url}"));
                }
            }
            _ => {}
        }
    }

    /// Opens a file in a window of this width, and waits until it is loaded and drawn.
    pub(crate) fn open(&mut self, file: &Path, width: u32, dark: bool) {
        self.load(file, width, dark);
        self.drawn();
    }

    /// Opens a file in a window of this width, and waits until it is loaded. For pages without scripts, where drawing
    /// cannot be awaited.
    pub(crate) fn load(&mut self, file: &Path, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media);
        self.loaded = false;
        self.call("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        while !self.loaded {
            let event = self.from.recv_timeout(TIMEOUT).expect("the page loads");
            self.take(&event);
        }
    }

    /// Waits until the pending changes are drawn.
    pub(crate) fn drawn(&mut self) {
        let twice =
            "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(r, 20))))";
        let wait = json!({ "expression": twice, "awaitPromise": true });
        self.call("Runtime.evaluate", wait);
    }

    /// Evaluates a JavaScript expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let result = self.call("Runtime.evaluate", params);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Evaluates a JavaScript expression whose value is text.
    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_else(|| panic!("{expression} is no text")).to_owned()
    }

    /// Scrolls an element to the middle of the window. Returns its position: left, top, width, height.
    pub(crate) fn place(&mut self, element: &str) -> [f64; 4] {
        let rect = format!(
            "(e => {{ e.scrollIntoView({{ block: 'center', behavior: 'instant' }}); const r = e.getBoundingClientRect(); \
             return [r.left, r.top, r.width, r.height] }})({element})"
        );
        let rect = self.value(&rect);
        std::array::from_fn(|i| rect[i].as_f64().expect("a number"))
    }

    /// Moves, presses or releases the mouse.
    pub(crate) fn mouse(&mut self, kind: &str, x: f64, y: f64, clicks: u32) {
        let button = if kind == "mouseMoved" && clicks == 0 { "none" } else { "left" };
        let held = u32::from(button == "left" && kind != "mouseReleased");
        let params =
            json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": held, "clickCount": clicks });
        self.call("Input.dispatchMouseEvent", params);
    }

    /// Presses a key.
    pub(crate) fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", json!({ "type": kind, "key": key, "code": key }));
        }
        self.drawn();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
