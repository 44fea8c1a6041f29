//! Test doubles and fixtures for development only
