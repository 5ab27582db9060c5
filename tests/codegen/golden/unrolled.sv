// net.0: unrolled
  // One row of weights a line, the last row first.
  localparam logic [17:0] net_unit_weights = {
      9'h085,
      9'h142
  };
  localparam logic [9:0] net_unit_biases = {
      5'h13,
      5'h11
  };
  hpq_unrolled #(
      .POSITIONS     (1),
      .GROUPS        (1),
      .ROWS          (2),
      .COLS          (3),
      .X_W           (4),
      .X_SIGNED      (1'b1),
      .W_W           (3),
      .W_SIGNED      (1'b1),
      .DIGITS        (14),
      .PRODUCT_STAGES(1),
      .EVERY         (2),
      .BIAS_REGISTER (1'b1),
      .CAST_REGISTERS(3'h0),
      .B_W           (5),
      .B_SIGNED      (1'b1),
      .ACC_W         (8),
      .PRODUCT_SHIFT (0),
      .BIAS_SHIFT    (1),
      .CLIP          ('0),
      .CAST_SHIFT    (2),
      .Y_W           (4),
      .Y_SIGNED      (1'b0),
      .ROUNDING      ("AP_RND"),
      .OVERFLOW      ("AP_SAT"),
      .WEIGHTS       (net_unit_weights),
      .BIASES        (net_unit_biases)
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );
