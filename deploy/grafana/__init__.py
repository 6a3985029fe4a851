"""Dashboards as code: small files that say what to show, and one that writes Grafana's JSON."""
