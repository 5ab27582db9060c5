"""The cocotb testbench of every generated design; see README.md.

It knows a design only by its ``design.json`` and its AXI4-Stream ports, so the same scenarios run
on our RTL and on what a vendor tool made of the HLS C++. Nothing here imports ``hpq_hls``:
`hw_sim.scenarios` is loaded by the Python inside the simulator.
"""
