//! The page of the devices that a visitor is signed in on.

use cloakroom::Timestamp;
use maud::{Markup, html};

use super::super::device::Device;
use super::page;
use crate::time;

pub(in crate::demo) fn devices(devices: &[Device], now: Timestamp) -> Markup {
    let current = devices.iter().find(|device| device.current);
    let label = current.and_then(|device| device.label.as_deref()).unwrap_or_default();
    page(
        "Your devices",
        &html! {
            section aria-labelledby="devices" {
                h2 #devices { "Where you're signed in" }
                ul.items { @for device in devices { (item(device, now)) } }
            }
            section aria-labelledby="name" {
                h2 #name { "This device" }
                form.row method="post" action="/devices/name" {
                    label for="label" { "Name" }
                    input #label type="text" name="label" maxlength="60" autocomplete="off"
                        placeholder="Kitchen tablet" value=(label);
                    button { "Save" }
                }
            }
            section aria-labelledby="all" {
                h2 #all { "Don't recognise a device?" }
                div.row {
                    form method="post" action="/logout/others" {
                        button { "Sign out all other devices" }
                    }
                    form method="post" action="/logout/everywhere" {
                        button.quiet { "Sign out everywhere" }
                    }
                }
                p.hint {
                    "This takes effect at once: their next request shows that the session has \
                     ended, and why. Sign in from a second browser to try it."
                }
                p { a href="/" { "Back to the demo" } }
            }
        },
    )
}

fn item(device: &Device, now: Timestamp) -> Markup {
    let name = device.label.as_deref().unwrap_or(&device.client);
    html! {
        li {
            div {
                strong { (name) }
                @if device.current { " " span.badge { "this device" } }
                @if device.is_bound { " " span.badge { "bound to its device" } }
                br;
                span.hint {
                    "signed in " (time::ago(device.signed_in, now))
                    @if !device.current { ", last seen " (time::ago(device.last_seen, now)) }
                    @if device.label.is_some() { ", " (device.client) }
                    @if let Some(address) = &device.address { ", from " (address) }
                }
            }
            form method="post" action="/devices/sign-out" {
                input type="hidden" name="id" value=(device.id);
                button.quiet aria-label={ "Sign out " (name) } { "Sign out" }
            }
        }
    }
}
