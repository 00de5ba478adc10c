package proxy

import (
	"tcpdrill/engine"
	"tcpdrill/engine/kernel"
)

// Commands are about the host: its sysctls are those of the sockets that a script's calls
// make. The device that scripts count on would be the proxy's link to its guest, and that
// has none: to do the same to another device of the host's would look as if it counted.

// noDevice says so of that device.
func (t *target) noDevice(dev string) error {
	if dev != kernel.Device {
		return nil
	}
	return &engine.UnsupportedError{What: "the device " + dev + ", on " + t.Name() + ","}
}

// Features implements engine.Host.
func (t *target) Features(dev string) ([]engine.Feature, error) {
	if err := t.noDevice(dev); err != nil {
		return nil, err
	}
	return t.Target.Features(dev)
}

// SetFeatures implements engine.Host.
func (t *target) SetFeatures(dev string, f []engine.Feature) error {
	if err := t.noDevice(dev); err != nil {
		return err
	}
	return t.Target.SetFeatures(dev, f)
}

// ChangeLink implements engine.Host.
func (t *target) ChangeLink(c engine.LinkChange) error {
	if err := t.noDevice(c.Dev); err != nil {
		return err
	}
	return t.Target.ChangeLink(c)
}

// ChangeAddr implements engine.Host.
func (t *target) ChangeAddr(c engine.AddrChange) error {
	if err := t.noDevice(c.Dev); err != nil {
		return err
	}
	return t.Target.ChangeAddr(c)
}

// ChangeRoute implements engine.Host.
func (t *target) ChangeRoute(c engine.RouteChange) error {
	if err := t.noDevice(c.Dev); err != nil {
		return err
	}
	return t.Target.ChangeRoute(c)
}
