// net.0: pool
  hpq_avgpool #(
      .POSITIONS     (1),
      .TAPS          (3),
      .LANES         (2),
      .X_W           (4),
      .X_SIGNED      (1'b1),
      .RECIPROCAL_W  (5),
      .RECIPROCAL    (5'h0b),
      .IN_LUTS       (1'b1),
      .EVERY         (2),
      .PRODUCT_STAGES(0),
      .CAST_REGISTERS(3'h0),
      .ACC_W         (10),
      .CLIP          ('0),
      .CAST_SHIFT    (5),
      .Y_W           (4),
      .Y_SIGNED      (1'b1),
      .ROUNDING      ("AP_RND"),
      .OVERFLOW      ("AP_WRAP")
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
