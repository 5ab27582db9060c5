// Read-only memory with a synchronous read, filled from a .mem file with one hexadecimal word a line: a word is
// there a cycle after its address, or two with REGISTERED, the register that block RAMs have at their output.
//
// STYLE is "block" (block RAM) or "distributed" (LUTs). Simulators read rtl/<FILE> relative to the
// folder they run in, the project's. Vivado finds memory files by their bare name once they are part
// of the project, and Yosys looks beside this source; define HPQ_MEM_BARE for another tool that works
// like that.
//
// Each SLICE bits of a word (the last have what is left) have an address of their own; all are always equal. Words in
// block RAM have one.
`ifdef SYNTHESIS
`define HPQ_MEM_BARE
`elsif XILINX_SIMULATOR
`define HPQ_MEM_BARE
`endif
`ifdef YOSYS
`define HPQ_ROM_IN_LUTS "logic"  // to Yosys "distributed" is memory with a write port
`else
`define HPQ_ROM_IN_LUTS "distributed"
`endif
module hpq_rom #(
    parameter int WIDTH  = 8,
    parameter int DEPTH  = 2,
    parameter int ADDR_W = 1,
    parameter     FILE   = "",
    parameter     STYLE  = "block",
    parameter bit REGISTERED = 1'b0,
    parameter int SLICE  = WIDTH
) (
    input  logic                                      clk,
    input  logic [(WIDTH+SLICE-1)/SLICE*ADDR_W - 1:0] addr,
    output logic [                         WIDTH-1:0] data
);

`ifdef HPQ_MEM_BARE
  localparam PATH = FILE;
`else
  localparam PATH = {"rtl/", FILE};
`endif

  logic [WIDTH-1:0] read;
  hpq_registers #(
      .WIDTH(WIDTH),
      .COUNT(int'(REGISTERED))
  ) output_register (
      .clk(clk),
      .x  (read),
      .y  (data)
  );

  // The attribute is a literal, because not every tool evaluates a parameter there.
  if (88'(STYLE) == 88'("distributed")) begin : distributed
    (* rom_style = `HPQ_ROM_IN_LUTS *) logic [WIDTH-1:0] words[0:DEPTH-1];
    initial if (|FILE) $readmemh(PATH, words);
    for (genvar s = 0; s * SLICE < WIDTH; s++) begin : slice
      localparam int FROM = s * SLICE;
      localparam int BITS = (WIDTH - FROM < SLICE) ? WIDTH - FROM : SLICE;
      always_ff @(posedge clk) begin
        read[FROM+:BITS] <= words[addr[s*ADDR_W+:ADDR_W]][FROM+:BITS];
      end
    end
  end else begin : block
    (* rom_style = "block" *) logic [WIDTH-1:0] words[0:DEPTH-1];
    initial if (|FILE) $readmemh(PATH, words);
    always_ff @(posedge clk) begin
      read <= words[addr];
    end
  end

endmodule
