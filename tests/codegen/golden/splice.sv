// net.0: splice
  wire [9:0] net_unit_given;
  wire [1:0] net_unit_ready;
  assign a_out_ready = net_unit_ready[0];
  hpq_castlanes #(
      .LANES     (1),
      .X_W       (4),
      .X_SIGNED  (1'b1),
      .CAST_SHIFT(-1),
      .Y_W       (5),
      .Y_SIGNED  (1'b1),
      .ROUNDING  ("AP_RND"),
      .OVERFLOW  ("AP_SAT")
  ) net_unit_cast_0 (
      .x(a_out_data),
      .y(net_unit_given[0+:5])
  );
  assign b_out_ready = net_unit_ready[1];
  hpq_castlanes #(
      .LANES     (1),
      .X_W       (5),
      .X_SIGNED  (1'b1),
      .CAST_SHIFT(0),
      .Y_W       (5),
      .Y_SIGNED  (1'b1),
      .ROUNDING  ("AP_RND"),
      .OVERFLOW  ("AP_SAT")
  ) net_unit_cast_1 (
      .x(b_out_data),
      .y(net_unit_given[5+:5])
  );
  hpq_splice #(
      .INPUTS    (2),
      .WIDTH     (5),
      .RUNS      (4),
      .SOURCE_W  (2),
      .COUNT_W   (1),
      .RUNS_FILE ("net_net_unit_runs.mem"),
      .RUNS_STYLE("distributed")
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (net_unit_given),
      .in_valid ({b_out_valid, a_out_valid}),
      .in_ready (net_unit_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );

// ==== rtl/net_net_unit_runs.mem
8
b
c
0
