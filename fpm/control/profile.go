package control

// LongestProfile is how long a profile takes at most, in seconds.
const LongestProfile = 3600

// LongestShownProfile and ShownRate are the bounds of profiles of the dashboard: how many seconds, and how many samples a second.
const (
	LongestShownProfile = 300
	ShownRate           = 100
)

// Samples are what a worker tells of the samples that it has taken: lines as contract.Samples has them. Numbers in them are the worker's own: they mean something together with
// Pid and Generation. All but the first three fields is the worker's word.
type Samples struct {
	Pid        int    `json:"pid"`
	Pool       string `json:"pool"`
	Generation int    `json:"generation"`
	Lines      string `json:"lines"`
}

// Profile is what MakeProfile tells at its end.
type Profile struct {
	Workers int `json:"workers"` // that have taken samples
	Unheard int `json:"unheard"` // that have had no time to begin, because they had the same request all the time
	Dropped int `json:"dropped"` // bytes of samples that were not read in time
}
