// Memory with one write port and one synchronous read port. A word that is read while it is written
// comes out old. STYLE is "block" (block RAM) or "distributed" (LUT RAM).
module hpq_ram #(
    parameter int WIDTH  = 8,
    parameter int DEPTH  = 2,
    parameter int ADDR_W = 1,
    parameter     STYLE  = "block"
) (
    input  logic              clk,
    input  logic              write_en,
    input  logic [ADDR_W-1:0] write_addr,
    input  logic [WIDTH-1:0]  write_data,
    input  logic              read_en,
    input  logic [ADDR_W-1:0] read_addr,
    output logic [WIDTH-1:0]  read_data
);

  // The attribute is a literal, because not every tool evaluates a parameter there.
  if (88'(STYLE) == 88'("distributed")) begin : distributed
    (* ram_style = "distributed" *) logic [WIDTH-1:0] words[0:DEPTH-1];
    always_ff @(posedge clk) begin
      if (write_en) words[write_addr] <= write_data;
      if (read_en) read_data <= words[read_addr];
    end
  end else begin : block
    (* ram_style = "block" *) logic [WIDTH-1:0] words[0:DEPTH-1];
    always_ff @(posedge clk) begin
      if (write_en) words[write_addr] <= write_data;
      if (read_en) read_data <= words[read_addr];
    end
  end

endmodule
