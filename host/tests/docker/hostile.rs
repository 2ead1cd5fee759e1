//! A hostile guest: what it leaves in its folder, and locks that it never gives back.
