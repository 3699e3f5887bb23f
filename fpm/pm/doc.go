// Package pm is the process manager of php-fpm.conf's pools: it decides when workers are forked and when idle ones end. It knows no process and no
// clock. The master, which has both, counts the workers, asks, and does what the decision says.
//
// Limits are a pool's numbers. A Spare decides for a dynamic pool once a second, and for an ondemand pool when a connection waits. Faults counts the
// deaths that make php-fpm start again (emergency_restart_threshold), and a Backoff spaces out the replacement of workers that end before they are
// ready.
package pm
