// Regroups elements into beats of another size; one of the two sizes divides the other. The smaller
// side runs at one beat per cycle.
module hpq_widthconverter #(
    parameter int WIDTH     = 8,
    parameter int IN_LANES  = 1,
    parameter int OUT_LANES = 2
) (
    input  logic                       clk,
    input  logic                       rst,
    input  logic [IN_LANES*WIDTH-1:0]  in_data,
    input  logic                       in_valid,
    output logic                       in_ready,
    output logic [OUT_LANES*WIDTH-1:0] out_data,
    output logic                       out_valid,
    input  logic                       out_ready
);

  localparam int IN_W    = IN_LANES * WIDTH;
  localparam int OUT_W   = OUT_LANES * WIDTH;
  localparam int RATIO   = (IN_LANES > OUT_LANES) ? IN_LANES / OUT_LANES : OUT_LANES / IN_LANES;
  localparam int COUNT_W = $clog2(RATIO + 1);

  logic push;
  assign push = in_valid && in_ready;

  if (IN_LANES > OUT_LANES) begin : narrow
    // One wide beat is held and shifted out, its lowest elements first.
    logic [IN_W-1:0]    held;
    logic [COUNT_W-1:0] left;  // narrow beats that are still to go
    assign out_data  = held[OUT_W-1:0];
    assign out_valid = left != '0;
    assign in_ready  = !out_valid || (left == COUNT_W'(1) && out_ready);
    always_ff @(posedge clk) begin
      if (rst) left <= '0;
      else if (push) left <= COUNT_W'(RATIO);
      else if (out_valid && out_ready) left <= left - 1'b1;
    end
    always_ff @(posedge clk) begin
      if (push) held <= in_data;
      else if (out_ready) held <= held >> OUT_W;
    end
  end else begin : widen
    // Beats are shifted in from the top until the wide one is complete.
    logic [COUNT_W-1:0] filled;
    assign out_valid = filled == COUNT_W'(RATIO);
    assign in_ready  = !out_valid || out_ready;
    always_ff @(posedge clk) begin
      if (rst) filled <= '0;
      else if (out_valid && out_ready) filled <= COUNT_W'(push);
      else if (push) filled <= filled + 1'b1;
    end
    if (RATIO > 1) begin : collect
      always_ff @(posedge clk) begin
        if (push) out_data <= {in_data, out_data[OUT_W-1:IN_W]};
      end
    end else begin : copy
      always_ff @(posedge clk) begin
        if (push) out_data <= in_data;
      end
    end
  end

endmodule
