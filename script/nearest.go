package script

import "strings"

// didYouMean returns "; did you mean NAME?" for the name most like word, or "" if
// none is like it.
func didYouMean(word string, names []string) string {
	if near := nearest(word, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// nearest returns the name that takes the fewest edits to get from word, the
// first of several, or "" if more than a third of the letters would change.
// Another case is half an edit.
func nearest(word string, names []string) string {
	best, bestCost := "", len(word)/3*2+1
	for _, name := range names {
		if diff := len(name) - len(word); 2*diff > bestCost || -2*diff > bestCost {
			continue
		}
		if cost := editCost(word, name); cost < bestCost {
			best, bestCost = name, cost
		}
	}
	return best
}

// editCost is twice the Damerau-Levenshtein distance (optimal string alignment)
// of a and b, with letters that differ in case alone at half price.
func editCost(a, b string) int {
	replace := func(x, y byte) int {
		switch {
		case x == y:
			return 0
		case strings.EqualFold(string(x), string(y)):
			return 1
		}
		return 2
	}
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = 2 * j
	}
	for i := 1; i <= len(a); i++ {
		older, old, row = old, row, older
		row[0] = 2 * i
		for j := 1; j <= len(b); j++ {
			row[j] = min(old[j]+2, row[j-1]+2, old[j-1]+replace(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+2)
			}
		}
	}
	return row[len(b)]
}
