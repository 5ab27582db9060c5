// net.0: cast
  hpq_castunit #(
      .LANES         (3),
      .X_W           (6),
      .X_SIGNED      (1'b1),
      .ACC_W         (6),
      .CLIP          ({1'b0, 1'b1, 6'sd0, 6'sd0}),
      .CAST_REGISTERS(3'h0),
      .CAST_SHIFT    (2),
      .Y_W           (4),
      .Y_SIGNED      (1'b0),
      .ROUNDING      ("AP_RND_CONV"),
      .OVERFLOW      ("AP_SAT")
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
