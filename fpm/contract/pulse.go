package contract

import "time"

// A PoolSupply tells a front how many workers one of its pools has. It is in a Beat of the master's.
type PoolSupply struct {
	Pool    string
	Workers int // -1: there will be no more of them because many requests wait
	// Most is how many it may have.
	Most int `json:",omitempty"`
	// Connections is how many its workers have accepted so far.
	Connections uint64 `json:",omitempty"`
}

// A PoolDemand is how many workers' work a front has for a pool. It is in a front's Beat and Crowd.
type PoolDemand struct {
	Pool    string
	Busy    int           // requests that the front has handed to the pool, or is about to
	Waiting int           // requests that wait in the front for one of those to end
	Most    int           // that waited at any time so far
	Longest time.Duration // that the first of them has waited
	Refused uint64        // how many were turned away so far
	Backlog int           `json:",omitempty"` // connections by HTTP that wait for the workers to accept them
}
