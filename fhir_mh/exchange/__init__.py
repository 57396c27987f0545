"""What sync and connectors both speak: partners, messages, receipts. See docs/sync-protocol.md."""
