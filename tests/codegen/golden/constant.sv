// net.0: constant
  wire [1:0] net_unit_ready;
  assign a_out_ready = net_unit_ready[0];
  assign b_out_ready = net_unit_ready[1];
  hpq_constant #(
      .INPUTS(2),
      .GIVEN (9),
      .STEPS (4),
      .STEP_W(2),
      .BEATS (3),
      .WORDS (4),
      .WIDTH (5),
      .ENDS  (64'h0000000400000002),
      .FILE  ("net_net_unit_values.mem"),
      .STYLE ("distributed")
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  ({b_out_data, a_out_data}),
      .in_valid ({b_out_valid, a_out_valid}),
      .in_ready (net_unit_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );

// ==== rtl/net_net_unit_values.mem
03
1b
00
00
