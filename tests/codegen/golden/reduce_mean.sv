// net.0: reduce
  hpq_reduce #(
      .MODE          ("SUM"),
      .POSITIONS     (1),
      .TAPS          (1),
      .LANES         (2),
      .STEPS         (3),
      .CHUNKS        (1),
      .X_W           (4),
      .X_SIGNED      (1'b1),
      .EVERY         (2),
      .RECIPROCAL_W  (5),
      .RECIPROCAL    (5'h0b),
      .IN_LUTS       (1'b1),
      .PRODUCT_STAGES(1),
      .ACC_W         (12),
      .CLIP          ('0),
      .CAST_REGISTERS(3'h0),
      .CAST_SHIFT    (3),
      .Y_W           (7),
      .Y_SIGNED      (1'b1),
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
