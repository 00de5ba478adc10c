// Package spawn starts processes that die with this one, however it ends.
package spawn
